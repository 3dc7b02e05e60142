"""Synthetic weights: the same bytes everywhere, the stated spread, nothing drawn for nothing."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from npusim.models.weights import STD, SyntheticTensor, integers, uniform
from npusim.numerics.formats import INT8
from npusim.numerics.quantization import Quantization


def tensor(shape: tuple[int, ...] = (5, 7), key: str = "net/layer") -> SyntheticTensor:
    return SyntheticTensor("w", shape, INT8, Quantization.per_tensor(0.5), key=key)


def test_stream_is_the_documented_one() -> None:
    """PCG64 of SHA-256's first 16 bytes, by hand; numpy promises this stream never to change."""
    import hashlib

    seed = int.from_bytes(hashlib.sha256(b"net/layer").digest()[:16], "little")
    word = int(np.random.PCG64(seed).random_raw())
    stored = np.frombuffer(word.to_bytes(8, "little"), np.int8)
    assert integers("net/layer", (8,)).tolist() == np.maximum(stored, -127).tolist()


def test_integers_are_uniform_without_the_least() -> None:
    drawn = integers("any", (400, 1000))
    assert drawn.dtype == np.int8 and drawn.shape == (400, 1000)
    counts = np.bincount(drawn.ravel().astype(int) + 128, minlength=256)
    assert counts[0] == 0
    expected = drawn.size / 256
    assert np.abs(counts[2:] - expected).max() < 6 * np.sqrt(expected)
    assert abs(counts[1] - 2 * expected) < 6 * np.sqrt(2 * expected)
    assert drawn.std() == pytest.approx(STD, rel=0.005)


def test_size_only_cuts_the_stream() -> None:
    assert integers("any", (3,)).tolist() == integers("any", (13,))[:3].tolist()


def test_keys_tell_streams_apart() -> None:
    assert not np.array_equal(integers("a", (64,)), integers("b", (64,)))


def test_uniform_fills_its_range() -> None:
    drawn = uniform("any", 100_000)
    assert drawn.min() >= -1 and drawn.max() < 1
    assert abs(drawn.mean()) < 0.01
    assert drawn.std() == pytest.approx(1 / np.sqrt(3), rel=0.01)


def test_data_are_drawn_once_and_only_when_read() -> None:
    one = tensor()
    assert one.is_constant and one.size == 35 and one.size_bytes == 35
    assert one.__dict__["_drawn"] is None
    assert one.data is one.data
    assert np.array_equal(one.data, integers("net/layer", (5, 7)))


def test_a_changed_copy_is_an_ordinary_constant() -> None:
    renamed = replace(tensor(), name="v")
    assert renamed.name == "v" and renamed.is_constant
    assert np.array_equal(renamed.data, tensor().data)
    assert np.array_equal(pickle.loads(pickle.dumps(renamed)).data, tensor().data)


def test_pickling_leaves_the_data_behind() -> None:
    one = tensor((1000, 1000))
    expected = one.data
    stored = pickle.dumps(one)
    assert len(stored) < 10_000
    copy = pickle.loads(stored)
    assert np.array_equal(copy.data, expected)
    assert (copy.name, copy.shape, copy.format) == (one.name, one.shape, one.format)

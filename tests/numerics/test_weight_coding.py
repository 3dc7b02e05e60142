"""Lengths of coded weights: hand-made streams, padding, and bounds that any lossless code has."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.numerics.weight_coding import Geometry, coded_bytes, stream_bytes

GEOMETRY = Geometry(depth=32, width=8, cols=8, taps=4, kernel=(8, 8))


def whole(bits: int) -> int:
    """Bits as bytes in lines of 16."""
    return -(-bits // 128) * 16


def test_zeros_alone_are_one_run():
    """Header 23, table 13, end 3, and a run of 1,000 with the longest divisor: 125 + 1 + 3."""
    assert stream_bytes(np.zeros(1000, np.int16)) == whole(23 + 13 + 3 + 125 + 1 + 3)


def test_two_values_take_a_bit_each():
    """A table of two entries of 2 and 3 bits (codes 2 and 4 are +1 and +2), an index bit each."""
    stream = np.array([1, 2] * 2000, np.int16)
    assert stream_bytes(stream) == whole(23 + 13 + 3 + 2 * 3 + 4000)


def _streams() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    noise = random.integers(-128, 128, 20_000)
    return {
        "noise of 9 bits": noise,
        "noise of 8 bits": random.integers(-127, 128, 20_000),
        "narrow": np.rint(random.normal(0, 6, 50_000)).astype(int),
        "wide": np.rint(random.normal(0, 30, 50_000)).clip(-127, 127).astype(int),
    }


ENCODED = {
    "noise of 9 bits": 22_512, "noise of 8 bits": 20_016, "narrow": 30_384, "wide": 44_144,
}  # fmt: skip
"""Bytes that mlw_codec of ethos-u-vela 5.2.0 makes of these streams."""


@pytest.mark.parametrize("name", ENCODED)
def test_lengths_are_those_of_the_encoder(name):
    """Exact for noise (magnitudes of 128 need a ninth bit), 2 % where its stretches differ."""
    found = stream_bytes(_streams()[name].astype(np.int16))
    assert found == pytest.approx(ENCODED[name], rel=0.02)
    if name.startswith("noise"):
        assert found == ENCODED[name]


def test_narrow_values_shrink_and_never_below_their_entropy():
    """A stream of small numbers is near its entropy, and not below it."""
    values = np.rint(np.random.default_rng(1).normal(0, 6, 50_000)).astype(np.int16)
    frequency = np.unique(values, return_counts=True)[1] / values.size
    entropy_bytes = -(frequency * np.log2(frequency)).sum() * values.size / 8
    assert entropy_bytes <= stream_bytes(values) < 1.05 * entropy_bytes


@pytest.mark.parametrize(
    ("shape", "depthwise", "padded"),
    [
        ((8, 1, 1, 32), False, 8 * 32),
        ((8, 1, 1, 33), False, 8 * 4 * 40),  # part kernel: 1 tap as 4, 33 channels as 40
        ((5, 3, 3, 8), False, 8 * 12 * 8),
        ((5, 10, 1, 8), False, 8 * (8 + 4) * 8),  # cut at 8 rows, each piece padded
        ((9, 3, 3, 1), True, 16 * 12),
    ],
)
def test_padding_follows_the_blocks_of_the_array(shape, depthwise, padded):
    """Weights of one value and padding of zeros: a stream of the padded length codes the same."""
    weights = np.full(shape, 7, np.int16)
    stream = np.zeros(padded, np.int16)
    stream[: weights.size] = 7
    found = coded_bytes(weights, GEOMETRY, depthwise)
    assert found <= stream_bytes(stream) + padded // 8 + 16
    if padded == weights.size:
        assert found == stream_bytes(stream)


def test_all_values_are_kept():
    """Any 9-bit value has a code."""
    values = np.arange(-255, 256).astype(np.int16)
    assert 511 * 9 / 8 <= stream_bytes(values) < 511 * 9 / 8 + 48

"""Normalization and quantization of pixels, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.cli.images_values import Normalization, parse_normalization, stored_values
from npusim.errors import UsageError
from npusim.numerics.floats import decode
from npusim.numerics.formats import FP8_E4M3
from npusim.report.types import TensorInfo

PIXELS = np.array([[[[0, 128, 255]]]], np.uint8)  # one pixel of three colours
FLOAT = TensorInfo("in", (1, 1, 1, 3), "float32", None, None)


def _int8(scale: float, zero_point: int) -> TensorInfo:
    return TensorInfo("in", (1, 1, 1, 3), "int8", scale, zero_point)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("none", [0, 128, 255]),
        ("0..1", [0, 128 / 255, 1]),
        ("-1..1", [-1, 2 * 128 / 255 - 1, 1]),
        ("imagenet", [(0 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]),
        ("mean=0.5,0.25,0 std=0.5,0.25,1", [-1, 4 * 128 / 255 - 1, 1]),
        ("std=0.5 mean=0.5", [-1, 2 * 128 / 255 - 1, 1]),
        ("ImageNet", [(0 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]),
    ],
)
def test_real_values_by_hand(how: str, expected: list[float]) -> None:
    found, _ = stored_values(PIXELS, parse_normalization(how), FLOAT)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.ravel(), np.array(expected, np.float32))


def test_quantized_values_by_hand() -> None:
    found, note = stored_values(PIXELS, parse_normalization("0..1"), _int8(1 / 255, -128))
    assert found.ravel().tolist() == [-128, 0, 127]
    assert "zero point -128" in note and "clipped" not in note
    ties, _ = stored_values(PIXELS, parse_normalization("none"), _int8(256.0, 0))
    assert ties.ravel().tolist() == [0, 0, 1]  # 0.5 goes to the even 0, 0.996 to 1


def test_values_out_of_range_are_clipped_and_counted() -> None:
    found, note = stored_values(PIXELS, parse_normalization("none"), _int8(1.0, 0))
    assert found.ravel().tolist() == [0, 127, 127]
    assert "67 % of the values are out of its range: clipped" in note


def test_the_bytes_themselves() -> None:
    raw = parse_normalization("raw")
    unsigned = TensorInfo("in", (1, 1, 1, 3), "uint8", 0.3, 7)
    assert stored_values(PIXELS, raw, unsigned)[0].ravel().tolist() == [0, 128, 255]
    assert stored_values(PIXELS, raw, _int8(0.3, 7))[0].ravel().tolist() == [-128, 0, 127]
    with pytest.raises(UsageError, match="use none"):
        stored_values(PIXELS, raw, FLOAT)


def test_floats_of_eight_bits_are_stored_as_codes() -> None:
    info = TensorInfo("in", (1, 1, 1, 3), "uint8", 0.5, 0, "fp8_e4m3")
    found, note = stored_values(PIXELS, parse_normalization("none"), info)
    assert np.array_equal(decode(found, FP8_E4M3).ravel(), [0, 256, 448])  # 2 x 0, 128, 255
    assert "fp8_e4m3" in note
    with pytest.raises(UsageError, match="use none"):
        stored_values(PIXELS, parse_normalization("raw"), info)


def test_an_integer_input_without_a_scale_takes_bytes_only() -> None:
    plain = TensorInfo("in", (1, 1, 1, 3), "uint8", None, None)
    with pytest.raises(UsageError, match="without a scale"):
        stored_values(PIXELS, parse_normalization("0..1"), plain)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("imagenett", "did you mean 'imagenet'"),
        ("", "known: imagenet, 0..1, -1..1, none, raw, mean=R,G,B std=R,G,B"),
        ("0-1", "unknown normalization"),
        ("mean=0.5", "has no std"),
        ("std=0.5", "has no mean"),
        ("mean=0.5 std=0", "divide by 255"),
        ("mean=0.5 std=-1", "divide by 255"),
        ("mean=127.5 std=127.5", "divide by 255"),
        ("mean=a,b,c std=1", "not numbers"),
        ("mean=nan std=1", "divide by 255"),
        ("mean=0.5 mean=0.5 std=1", "is not mean=R,G,B std=R,G,B"),
        ("median=0.5 std=1", "is not mean=R,G,B std=R,G,B"),
        ("mean=1,,2 std=1", "not numbers"),
    ],
)
def test_other_texts_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_normalization(text)
    assert words in str(caught.value)


def test_as_many_values_as_channels_or_one() -> None:
    three = Normalization("x", (0.1, 0.2, 0.3), (1.0,))
    three.check(3)
    with pytest.raises(UsageError, match="mean has 3 values, the model 1 channel"):
        three.check(1)
    parse_normalization("0..1").check(1)

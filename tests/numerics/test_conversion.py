"""Casts between formats, beside ml_dtypes and plain integers."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from npusim.numerics.conversion import Conversion, converted
from npusim.numerics.formats import BF16, BOOL, FP8_E4M3, FP8_E5M2, FP16, FP32, INT4, INT8, UINT4

NARROW = {
    FP8_E4M3: ml_dtypes.float8_e4m3fn, FP8_E5M2: ml_dtypes.float8_e5m2, BF16: ml_dtypes.bfloat16,
}  # fmt: skip
VALUES = np.array([0.0, -0.0, 1.06, 17.0, -447.9, 465.0, -7e4, np.inf, np.nan, 1e-9], np.float32)


@pytest.mark.parametrize("fmt", NARROW, ids=lambda fmt: fmt.name)
def test_without_saturation_it_is_ml_dtypes(fmt) -> None:
    found = converted(VALUES, Conversion(FP32, fmt, saturate=False)).view(NARROW[fmt])
    expected = VALUES.astype(NARROW[fmt])
    np.testing.assert_array_equal(found.astype(np.float32), expected.astype(np.float32))


def test_saturation_is_for_eight_bits_only() -> None:
    beyond = np.array([1e39, -np.inf])
    assert np.all(np.isinf(converted(beyond, Conversion(FP32, FP16))))
    assert converted(beyond, Conversion(FP32, BF16)).tolist() == [0x7F80, 0xFF80]
    assert converted(beyond, Conversion(FP32, FP8_E4M3)).tolist() == [0x7E, 0xFE]


@pytest.mark.parametrize(("fmt", "low"), [(INT4, -8), (UINT4, 0)])
def test_integers_wrap_to_four_bits(fmt, low: int) -> None:
    x = np.arange(-128, 128, dtype=np.int8)
    found = converted(x, Conversion(INT8, fmt))
    assert found.dtype == np.dtype(fmt.dtype)
    assert found.tolist() == [(int(value) - low) % 16 + low for value in x]


def test_every_value_but_zero_is_true() -> None:
    codes = np.array([0x00, 0x80, 0x01, 0x7F], np.uint8)  # 0, -0, the least subnormal, NaN
    assert converted(codes, Conversion(FP8_E4M3, BOOL)).tolist() == [False, False, True, True]

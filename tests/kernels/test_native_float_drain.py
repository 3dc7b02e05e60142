"""The C drain of floating-point sums equals its reference to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from npusim.doctor import float_cases
from npusim.kernels.table import kernels, native_available
from npusim.numerics.float_drain import FloatDrain
from npusim.numerics.formats import FP16, INT32, Format
from tests.support.drawn import cases_of

pytestmark = pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")


@given(cases_of(float_cases.float_drain))
def test_drains_equal_the_reference(case: float_cases.FloatDrainCase) -> None:
    np.testing.assert_array_equal(case.run(kernels("c")), case.run(kernels("reference")))


@pytest.mark.parametrize("saturate", [False, True])
@pytest.mark.parametrize("fmt", float_cases.OPERANDS, ids=lambda fmt: fmt.name)
def test_every_upper_half_of_a_float32_is_stored_as_by_the_reference(
    fmt: Format, saturate: bool
) -> None:
    """With the halves below the middle, on it and above: all ties of 16-bit and 8-bit formats."""
    upper = np.arange(2**16, dtype=np.uint32)[:, None] << 16
    lower = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xF000, 0xFFFF], np.uint32)
    acc = (upper + lower).view(np.float32).reshape(1, 1, -1, 1, 7)
    outs = [np.zeros(acc.shape, fmt.dtype) for _ in range(2)]
    for path, out in zip(("c", "reference"), outs, strict=True):
        kernels(path).get("drain_float")(acc, FloatDrain(out=fmt, saturate=saturate), out)
    np.testing.assert_array_equal(*(out.view(f"uint{fmt.bits}") for out in outs))


@pytest.mark.parametrize(
    ("drain", "out"),
    [
        (FloatDrain(out=FP16), np.zeros((1, 2, 2, 1, 3), np.float32)),
        (FloatDrain(out=FP16), np.zeros((1, 2, 2, 1, 4), np.float16)),
        (FloatDrain(scale=np.ones(2, np.float32), out=FP16), np.zeros((1, 2, 2, 1, 3), np.float16)),
        (FloatDrain(bias=np.ones(3), out=FP16), np.zeros((1, 2, 2, 1, 3), np.float16)),
        (FloatDrain(out=INT32), np.zeros((1, 2, 2, 1, 3), np.int32)),
    ],
)
def test_a_drain_that_does_not_fit_is_refused(drain: FloatDrain, out: np.ndarray) -> None:
    acc = np.zeros((1, 2, 2, 1, 3), np.float32)
    with pytest.raises(ValueError):
        kernels("c").get("drain_float")(acc, drain, out)

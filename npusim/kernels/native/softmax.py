"""C softmax in the three arithmetics: see `npusim.kernels.reference.softmax_*`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT, require_array, require_writable
from npusim.kernels.native.memory import contiguous, element_strides, int64s, lib, pointer
from npusim.kernels.reference import softmax_fixed_point as reference
from npusim.kernels.reference.reciprocal import NEWTON_SLOPE, NEWTON_START
from npusim.numerics.onnx_runtime import SoftmaxTable
from npusim.numerics.softmax import FixedPointSoftmax, TableSoftmax

Array = np.ndarray

LONGEST_ROW = 1 << 11
"""Rows up to this keep the fixed-point sum (Q12.19) in 32 bits; longer ones go to the reference."""


def softmax_table(x: Array, out: Array, p: TableSoftmax) -> None:
    """See the reference."""
    table = contiguous(p.table, np.float32)
    numbers = pointer(table), float(p.y_scale), p.half_up, p.y_zero, p.low, p.high
    _call(lib.npusim_softmax_table, x, out, numbers)


def softmax_onnx(x: Array, out: Array, p: SoftmaxTable) -> None:
    """See the reference."""
    table = contiguous(p.table, np.float32)
    numbers = pointer(table), float(p.factor), p.y_zero, p.low, p.high
    _call(lib.npusim_softmax_onnx, x, out, numbers)


def softmax_fixed_point(x: Array, out: Array, p: FixedPointSoftmax) -> None:
    """See the reference."""
    if x.shape[-1] > LONGEST_ROW:
        reference.softmax_fixed_point(x, out, p)
        return
    table = _exponentials(p)
    numbers = (
        pointer(table), p.lowest_difference, reference.SUM_INTEGER_BITS,
        NEWTON_START, NEWTON_SLOPE, p.low, p.high,
    )  # fmt: skip
    _call(lib.npusim_softmax_fixed_point, x, out, numbers)


@functools.lru_cache(64)
def _exponentials(p: FixedPointSoftmax) -> Array:
    """exp of the differences -255 .. 0 in Q0.31, as int32."""
    return reference.exponentials(np.arange(-255, 1), p).astype(np.int32)


def _call(function: Any, x: Array, out: Array, numbers: tuple[Any, ...]) -> None:
    require_array("x", x, EIGHT_BIT, out.shape)
    require_array("out", out, EIGHT_BIT, out.shape)
    require_writable("out", out)
    if x.ndim < 1 or x.size == 0:
        return
    for index in np.ndindex(*x.shape[:-2]):
        rows, target = np.atleast_2d(x[index]), np.atleast_2d(out[index])
        function(
            pointer(rows), int64s(rows.shape), element_strides(rows), rows.dtype == np.int8,
            *numbers, pointer(target), element_strides(target),
        )  # fmt: skip

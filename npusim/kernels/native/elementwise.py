"""C kernels on single elements: tables of all cases, and quantization of float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT, FLOAT32, require_array, require_writable
from npusim.kernels.native.memory import element_strides, four_axes, int64s, lib, pointer
from npusim.numerics.onnx_runtime import FusedSum
from npusim.numerics.rescale import Affine

Array = np.ndarray


def lookup(inputs: tuple[Array, ...], table: Array, out: Array) -> None:
    """out = table[a, b] or table[a], element by element; equal shapes, 8-bit inputs."""
    if out.size == 0:
        return
    for *views, target in four_axes(*inputs, out):
        arguments: list[Any] = []
        for view in views:
            arguments += [pointer(view), element_strides(view)]
        place = int64s(target.shape), pointer(target), element_strides(target)
        if len(inputs) == 2:
            lib.npusim_lookup_pairs(*arguments, pointer(table), *place)
        elif out.dtype == np.float32:
            lib.npusim_lookup_floats(*arguments, pointer(table), *place)
        else:
            lib.npusim_lookup_bytes(*arguments, pointer(table), *place)


def fused_add(otherwise: Callable[..., None]) -> Callable[..., None]:
    """`add_onnx` in vector instructions; what those do not take goes to `otherwise`."""
    if not lib.npusim_has_fused_add():
        return otherwise

    def add_onnx(a: Array, b: Array, out: Array, p: FusedSum) -> None:
        arrays = (a, b, out)
        like_out = all(array.dtype in EIGHT_BIT and array.shape == out.shape for array in arrays)
        alike = all(array.flags.c_contiguous for array in arrays)
        if not (like_out and alike and out.flags.writeable and _is_plain(p, out.dtype)):
            otherwise(a, b, out, p)
            return
        lib.npusim_add_fused(
            pointer(a), a.dtype == np.int8, pointer(b), b.dtype == np.int8, out.size,
            float(p.a_ratio), float(p.b_ratio), float(p.constant), p.low, p.high, pointer(out),
        )  # fmt: skip

    return add_onnx


def _is_plain(p: FusedSum, out: np.dtype) -> bool:
    """Finite factors, and bounds within the type of the outputs."""
    info = np.iinfo(out)
    finite = all(math.isfinite(value) for value in (p.a_ratio, p.b_ratio, p.constant))
    return finite and info.min <= p.low <= p.high <= info.max


def quantize_half_away(x: Array, out: Array, p: Affine) -> None:
    """See the reference."""
    _quantize(lib.npusim_quantize_half_away, x, out, p, p.scale)


def quantize_onnx(x: Array, out: Array, p: Affine) -> None:
    """See the reference."""
    _quantize(lib.npusim_quantize_onnx, x, out, p, p.scale)


def quantize_rint_reciprocal(x: Array, out: Array, p: Affine) -> None:
    """See the reference."""
    factor = np.float32(1.0) / p.scale
    _quantize(lib.npusim_quantize_rint_reciprocal, x, out, p, factor)


def _quantize(function: Any, x: Array, out: Array, p: Affine, scale: np.float32) -> None:
    require_array("x", x, FLOAT32, out.shape)
    require_array("out", out, EIGHT_BIT, out.shape)
    require_writable("out", out)
    if out.size == 0:
        return
    for values, target in four_axes(x, out):
        function(
            pointer(values), int64s(values.shape), element_strides(values), float(scale),
            p.zero, p.low, p.high, pointer(target), element_strides(target),
        )  # fmt: skip

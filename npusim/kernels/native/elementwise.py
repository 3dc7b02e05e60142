"""C kernels on single elements: tables of all cases, and quantization of float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT, FLOAT32, require_array, require_writable
from npusim.kernels.native.memory import element_strides, four_axes, int64s, lib, pointer
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

"""Scales and zero points of ONNX, and the nodes that quantize and dequantize."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context, QuantizedConstant
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import (
    FORMAT_OF_TYPE,
    format_of_constant,
    marked,
    type_name,
    unmarked,
)
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import REALS, Quantize
from npusim.ir.ops.elements.scaled import FLOATS, is_stored
from npusim.numerics.floats import decode
from npusim.numerics.formats import FP32, INT4, INT8, INT16, UINT4, UINT8, UINT16, Format
from npusim.numerics.quantization import Quantization
from npusim.numerics.scaled import Scaling, quantized_values

ACTIVATIONS = (INT4, UINT4, INT8, UINT8, INT16, UINT16, *FLOATS)
"""Formats of quantized tensors that are computed."""
DIVIDING_IN_SCALE = 23
"""Version since which the standard says that the quotient has the format of the scale. Before, it
is a float32, as ONNX Runtime 1.31.1 has it, which does so whatever the version and `precision`."""


def read_quantization(
    ctx: Context, source: Source, scale_index: int, zero_index: int, axis: int | None = None,
    shape: tuple[int, ...] | None = None,
) -> tuple[Quantization, Format | None]:  # fmt: skip
    """Scale and zero point inputs, and the format that the zero point has (None without one).

    `shape` is that of the tensor they belong to, where they may hold a value for each block of it.
    """
    scale = reals_of(ctx.required_constant(source, scale_index))
    zero = ctx.constant(source, zero_index)
    if not scale.size or not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        raise DamagedNodeError("has a scale that is not a positive number")
    fmt = None if zero is None else format_of_constant(zero)
    zeros = np.zeros(1, np.int32) if zero is None else _zero_points(zero)
    if scale.ndim > 1:
        return _in_blocks(source, scale, zeros, axis, shape), fmt
    scale, zeros = scale.reshape(-1), zeros.reshape(-1) if zeros.ndim < 2 else zeros
    if zeros.ndim != 1 or zeros.size not in (1, scale.size):
        raise DamagedNodeError(f"has {scale.size} scales and {zeros.size} zero points")
    zeros = np.broadcast_to(zeros, scale.size)
    return Quantization(scale, zeros, axis if scale.size > 1 else None), fmt


def reals_of(scale: np.ndarray) -> np.ndarray:
    """float32 values of a constant of reals."""
    return decode(unmarked(scale), _real_format(scale))


def per_tensor(
    ctx: Context, source: Source, scale_index: int, zero_index: int
) -> tuple[Quantization, Format]:
    """Scale and zero point of an activation."""
    quantization, fmt = read_quantization(ctx, source, scale_index, zero_index)
    fmt = UINT8 if fmt is None else fmt
    _check_activation(fmt)
    if not quantization.is_per_tensor:
        raise UnsupportedNodeError("activations need one scale for the whole tensor")
    return quantization, fmt


def quantize_linear(ctx: Context, source: Source) -> None:
    """QuantizeLinear: reals to integers or 8-bit floats; a constant is quantized here."""
    name = ctx.name_of(source, 0)
    constant = ctx.constants.get(name)
    shape = ctx.activation(source, 0).shape if constant is None else constant.shape
    axis = source.integer("axis", 1)
    quantization, fmt = read_quantization(ctx, source, 1, 2, axis, shape)
    if fmt is None:
        fmt = _declared(source, "output_dtype", UINT8)
    _check_activation(fmt)
    _check_channels(shape, quantization)
    given = ctx.type_of(source, 0)
    if given not in REALS:
        raise UnsupportedNodeError(f"its input is {given.name}, only reals are quantized")
    scale_format = _real_format(ctx.required_constant(source, 1))
    in_scale = scale_format if source.opset >= DIVIDING_IN_SCALE else FP32
    division = _declared(source, "precision", in_scale)
    saturate = bool(source.integer("saturate", 1))
    if constant is not None:
        scaling = Scaling(given, fmt, saturate, division)
        stored = quantized_values(unmarked(constant), *quantization.spread(shape), scaling)
        ctx.constants[source.outputs[0]] = marked(stored, fmt)
        return
    op = Quantize(saturate, division.name)
    ctx.emit(source, op, [ctx.activation(source, 0)], fmt, quantization)


def dequantize_linear(ctx: Context, source: Source) -> None:
    """DequantizeLinear: a constant keeps its stored numbers beside their scale."""
    name = ctx.name_of(source, 0)
    axis = source.integer("axis", 1)
    scale_format = _real_format(ctx.required_constant(source, 1))
    real = _declared(source, "output_dtype", scale_format)
    if real not in REALS:
        raise UnsupportedNodeError(f"its output is {real.name}, only reals are supported")
    if name in ctx.constants:
        data = ctx.constants[name]
        quantization, fmt = read_quantization(ctx, source, 1, 2, axis, data.shape)
        _check_channels(data.shape, quantization)
        _check_zero(ctx.type_of(source, 0), fmt)
        ctx.quantized[source.outputs[0]] = QuantizedConstant(name, data, quantization, real)
        return
    x = ctx.activation(source, 0)
    quantization, fmt = read_quantization(ctx, source, 1, 2, axis, x.shape)
    _check_channels(x.shape, quantization)
    if not is_stored(x.format):
        raise UnsupportedNodeError(f"its input is {x.format.name}")
    _check_zero(x.format, fmt)
    ctx.emit(source, Dequantize(), [ctx.read_as(x, quantization)], real, None)


def _in_blocks(
    source: Source, scale: np.ndarray, zeros: np.ndarray, axis: int | None,
    shape: tuple[int, ...] | None,
) -> Quantization:  # fmt: skip
    """A scale for each block of `block_size` elements along `axis`."""
    if shape is None or axis is None:
        raise UnsupportedNodeError("blocked quantization is not supported here")
    size, rank = source.integer("block_size", 0), len(shape)
    if not -rank <= axis < rank or size < 1:
        raise DamagedNodeError(f"has blocks of {size} along axis {axis} of rank {rank}")
    axis %= rank
    blocks = (*shape[:axis], -(-shape[axis] // size), *shape[axis + 1 :])
    if scale.shape != blocks or zeros.shape not in (blocks, (1,)):
        given = f"scales of shape {scale.shape} and zero points of {zeros.shape}"
        raise DamagedNodeError(f"has {given} for blocks {blocks}")
    if scale.size == 1:
        return Quantization(scale.reshape(1), zeros.reshape(1))
    return Quantization(scale, np.broadcast_to(zeros, blocks), axis, size)


def _zero_points(zero: np.ndarray) -> np.ndarray:
    """int32 values of zero points; those of 8-bit floats can only be 0."""
    fmt = format_of_constant(zero)
    if fmt in FLOATS:
        if np.any(decode(unmarked(zero), fmt) != 0):
            raise UnsupportedNodeError(f"its zero point in {fmt.name} is not 0")
        return np.zeros(zero.shape, np.int32)
    if not fmt.is_integer:
        raise UnsupportedNodeError(f"its zero point is {fmt.name}")
    return unmarked(zero).astype(np.int32)


def _declared(source: Source, name: str, default: Format) -> Format:
    """The format that an attribute names, `default` where it is absent or 0."""
    elem_type = source.integer(name, 0)
    if not elem_type:
        return default
    if elem_type not in FORMAT_OF_TYPE:
        raise UnsupportedNodeError(f"{name} {type_name(elem_type)} is not supported")
    return FORMAT_OF_TYPE[elem_type]


def _real_format(scale: np.ndarray) -> Format:
    fmt = format_of_constant(scale)
    if fmt not in REALS:
        raise UnsupportedNodeError(f"its scale is {fmt.name}, not float32, fp16 or bf16")
    return fmt


def _check_activation(fmt: Format) -> None:
    if fmt not in ACTIVATIONS:
        known = ", ".join(each.name for each in ACTIVATIONS)
        raise UnsupportedNodeError(f"{fmt.name} activations are not supported, {known} are")


def _check_zero(fmt: Format, zero: Format | None) -> None:
    if zero is not None and zero != fmt:
        raise DamagedNodeError(f"reads {fmt.name} with a zero point of {zero.name}")


def _check_channels(shape: tuple[int, ...], quantization: Quantization) -> None:
    axis, size = quantization.axis, quantization.scale.size
    if quantization.is_per_tensor or axis is None or quantization.block is not None:
        return
    if not -len(shape) <= axis < len(shape):
        raise DamagedNodeError(f"axis {axis} is outside rank {len(shape)}")
    if shape[axis] != size:
        raise DamagedNodeError(f"has {size} scales for {shape[axis]} channels")

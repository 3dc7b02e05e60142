"""Scales and zero points of ONNX, and the nodes that quantize and dequantize."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context, QuantizedConstant
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import DTYPES, type_name
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.numerics.formats import FP32, INT8, UINT8, Format
from npusim.numerics.quantization import Quantization


def read_quantization(
    ctx: Context, source: Source, scale_index: int, zero_index: int, axis: int | None = None
) -> tuple[Quantization, Format | None]:
    """Scale and zero point inputs, and the format that the zero point has (None without one)."""
    scale = ctx.required_constant(source, scale_index)
    zero = ctx.constant(source, zero_index)
    if scale.dtype != np.float32:
        raise UnsupportedNodeError(f"its scale is {scale.dtype.name}, only float32 is supported")
    if scale.ndim > 1:
        raise UnsupportedNodeError("blocked quantization is not supported")
    scale = np.atleast_1d(scale)
    if not scale.size or not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        raise DamagedNodeError("has a scale that is not a positive number")
    if zero is None:
        return Quantization(scale, np.zeros(scale.size, np.int32), _axis(scale, axis)), None
    if zero.dtype.kind not in "iu":
        raise UnsupportedNodeError(f"its zero point is {zero.dtype.name}")
    zeros = np.atleast_1d(zero)
    if zeros.ndim != 1 or zeros.size not in (1, scale.size):
        raise DamagedNodeError(f"has {scale.size} scales and {zeros.size} zero points")
    zeros = np.broadcast_to(zeros.astype(np.int32), scale.size)
    return Quantization(scale, zeros, _axis(scale, axis)), ctx.format_of(zero)


def per_tensor(
    ctx: Context, source: Source, scale_index: int, zero_index: int
) -> tuple[Quantization, Format]:
    """Scale and zero point of an 8-bit activation."""
    quantization, fmt = read_quantization(ctx, source, scale_index, zero_index)
    fmt = UINT8 if fmt is None else fmt
    _check_activation(quantization, fmt)
    return quantization, fmt


def quantize_linear(ctx: Context, source: Source) -> None:
    """QuantizeLinear: float32 to 8 bits; a constant is quantized here."""
    _check_attributes(source)
    axis = source.integer("axis", 1)
    quantization, fmt = read_quantization(ctx, source, 1, 2, axis)
    declared = source.integer("output_dtype", 0)
    if fmt is None:
        fmt = UINT8 if not declared else ctx.format_of(np.empty(0, _dtype(declared)))
    name = ctx.name_of(source, 0)
    if name in ctx.constants:
        _check_channels(ctx.constants[name], quantization)
        ctx.constants[source.outputs[0]] = _quantized(ctx.constants[name], quantization, fmt)
        return
    _check_activation(quantization, fmt)
    x = ctx.activation(source, 0)
    if x.format != FP32:
        raise UnsupportedNodeError(f"its input is {x.format.name}, only float32 is supported")
    ctx.emit(source, Quantize(), [x], fmt, quantization)


def dequantize_linear(ctx: Context, source: Source) -> None:
    """DequantizeLinear: a constant keeps its stored integers beside their scale."""
    _check_attributes(source)
    name = ctx.name_of(source, 0)
    if name in ctx.constants:
        data = ctx.constants[name]
        axis = source.integer("axis", 1)
        quantization, _ = read_quantization(ctx, source, 1, 2, axis)
        ctx.quantized[source.outputs[0]] = QuantizedConstant(name, data, quantization)
        _check_channels(data, quantization)
        return
    x = ctx.activation(source, 0)
    quantization, fmt = read_quantization(ctx, source, 1, 2)
    _check_activation(quantization, x.format if fmt is None else fmt)
    if fmt is not None and fmt != x.format:
        raise DamagedNodeError(f"reads {x.format.name} with a zero point of {fmt.name}")
    ctx.emit(source, Dequantize(), [ctx.read_as(x, quantization)], FP32, None)


def _quantized(data: np.ndarray, quantization: Quantization, fmt: Format) -> np.ndarray:
    """A float32 constant as QuantizeLinear stores it."""
    if data.dtype != np.float32 or fmt not in (INT8, UINT8):
        raise UnsupportedNodeError(f"a {data.dtype.name} constant as {fmt.name} is not supported")
    shape = [1] * data.ndim
    if quantization.axis is not None:
        shape[quantization.axis] = -1
    scale, zero = (
        values.reshape(shape) for values in (quantization.scale, quantization.zero_point)
    )
    quantized: np.ndarray = np.clip(np.rint(data / scale) + zero, fmt.low, fmt.high)
    return quantized.astype(fmt.dtype)


def _check_attributes(source: Source) -> None:
    if source.integer("block_size", 0):
        raise UnsupportedNodeError("blocked quantization is not supported")


def _check_activation(quantization: Quantization, fmt: Format) -> None:
    if fmt not in (INT8, UINT8):
        raise UnsupportedNodeError(f"{fmt.name} activations are not supported, 8-bit ones are")
    if not quantization.is_per_tensor:
        raise UnsupportedNodeError("activations need one scale for the whole tensor")


def _check_channels(data: np.ndarray, quantization: Quantization) -> None:
    if quantization.is_per_tensor or quantization.axis is None:
        return
    if not -data.ndim <= quantization.axis < data.ndim:
        raise DamagedNodeError(f"axis {quantization.axis} is outside rank {data.ndim}")
    if data.shape[quantization.axis] != quantization.scale.size:
        raise DamagedNodeError(
            f"has {quantization.scale.size} scales for {data.shape[quantization.axis]} channels"
        )


def _axis(scale: np.ndarray, axis: int | None) -> int | None:
    return axis if scale.size > 1 else None


def _dtype(elem_type: int) -> np.dtype:
    dtype = DTYPES.get(elem_type)
    if dtype is None:
        raise UnsupportedNodeError(f"{type_name(elem_type)} is not supported")
    return dtype

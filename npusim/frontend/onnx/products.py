"""Matrix products: Gemm, MatMul, and their quantized forms.

A constant right-hand matrix makes a fully connected layer, a computed one a batched product.
"""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor, read_quantization
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.fully_connected import FullyConnected
from npusim.ir.ops.matmul import MatMul


def gemm(ctx: Context, source: Source) -> None:
    """Gemm with constant weights: rows times a matrix, plus a vector."""
    transposed = _check_gemm(source)
    x = ctx.activation(source, 0)
    weights = ctx.weights(source, 1, _matrix if transposed else _transposed, 0 if transposed else 1)
    bias = ctx.bias(source, 2)
    _check_bias(bias is None or bias.shape == weights.shape[:1])
    ctx.emit(source, FullyConnected(), [x, weights, bias])


def matmul(ctx: Context, source: Source) -> None:
    """MatMul; see the module's docstring."""
    x = ctx.activation(source, 0)
    right = ctx.name_of(source, 1)
    found = ctx.quantized[right].data if right in ctx.quantized else ctx.constants.get(right)
    if found is not None and found.ndim == 2:
        weights = ctx.weights(source, 1, _transposed, 1)
        ctx.emit(source, FullyConnected(keep_num_dims=True), [x, weights, None])
    else:
        ctx.emit(source, MatMul(), [x, ctx.activation(source, 1)])


def qlinear_matmul(ctx: Context, source: Source) -> None:
    """QLinearMatMul, per tensor or per column of a constant matrix."""
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), x_quantization)
    w_quantization, _ = read_quantization(ctx, source, 4, 5)
    y_quantization, fmt = per_tensor(ctx, source, 6, 7)
    right = ctx.constants.get(ctx.name_of(source, 3))
    if right is not None and right.ndim == 2:
        weights = ctx.stored_weights(source, 3, w_quantization, _transposed, 1)
        op = FullyConnected(keep_num_dims=True)
        ctx.emit(source, op, [x, weights, None], fmt, y_quantization)
        return
    if not w_quantization.is_per_tensor:
        raise UnsupportedNodeError("a computed right-hand matrix needs one scale for the whole")
    w = ctx.read_as(ctx.activation(source, 3), w_quantization)
    ctx.emit(source, MatMul(), [x, w], fmt, y_quantization)


def qgemm(ctx: Context, source: Source) -> None:
    """com.microsoft QGemm: Gemm on stored integers, with an int32 bias."""
    transposed = _check_gemm(source)
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), x_quantization)
    w_quantization, _ = read_quantization(ctx, source, 4, 5)
    layout, axis = (_matrix, 0) if transposed else (_transposed, 1)
    weights = ctx.stored_weights(source, 3, w_quantization, layout, axis)
    bias = ctx.bias(source, 6)
    _check_bias(bias is None or bias.shape == weights.shape[:1])
    if not source.input(7):
        raise UnsupportedNodeError("a float32 output is not supported")
    y_quantization, fmt = per_tensor(ctx, source, 7, 8)
    ctx.emit(source, FullyConnected(), [x, weights, bias], fmt, y_quantization)


def _check_gemm(source: Source) -> int:
    """transB, if nothing else is asked for that a fully connected layer has not."""
    if source.integer("transA", 0):
        raise UnsupportedNodeError("transA = 1 is not supported")
    for name in ("alpha", "beta"):
        if source.real(name, 1.0) != 1.0:
            raise UnsupportedNodeError(f"{name} = {source.real(name, 1.0):g} is not supported")
    return source.integer("transB", 0)


def _check_bias(fits: bool) -> None:
    if not fits:
        raise UnsupportedNodeError("a bias that is not one value per output is not supported")


def _matrix(data: np.ndarray) -> np.ndarray:
    if data.ndim != 2:
        raise DamagedNodeError(f"has weights of rank {data.ndim}, not 2")
    return data


def _transposed(data: np.ndarray) -> np.ndarray:
    return _matrix(data).T

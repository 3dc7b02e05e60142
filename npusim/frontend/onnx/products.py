"""Matrix products: Gemm, MatMul, and their quantized forms.

A constant right-hand matrix makes a fully connected layer, a computed one a batched product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from npusim.frontend.onnx.context import Context, times
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor, read_quantization
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import marked
from npusim.ir.operator import Operator
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import encode
from npusim.numerics.formats import Format


def gemm(ctx: Context, source: Source) -> None:
    """Gemm: alpha * A * B + beta * C."""
    x = _left(ctx, source)
    alpha, beta = source.real("alpha", 1.0), source.real("beta", 1.0)
    added = bool(source.input(2)) and beta != 0.0
    right = ctx.name_of(source, 1)
    if right not in ctx.quantized and right not in ctx.constants:
        _computed_gemm(ctx, source, x, alpha, beta if added else None)
        return
    layout, axis = (_matrix, 0) if source.integer("transB", 0) else (transposed_matrix, 1)
    if added and (alpha != 1.0 or beta != 1.0):
        # ONNX Runtime keeps such a node in float32, whatever its weights are stored as.
        weights = ctx.real_weights(source, 1, layout, alpha)
    else:
        weights = scaled_weights(ctx, ctx.weights(source, 1, layout, axis), alpha)
    bias = _row_of_biases(ctx, source, weights.shape[0], alpha, beta) if added else None
    if added and bias is None:
        product = before(ctx, source, FullyConnected(), [x, weights, None], "product")
        ctx.emit(source, Add(), [product, _addend(ctx, source, beta)])
        return
    # One that stays in float32 is read like a MatMul: no pass quantizes its weights.
    op = FullyConnected(keep_num_dims=added and (alpha != 1.0 or beta != 1.0))
    ctx.emit(source, op, [x, weights, bias])


def before(
    ctx: Context, source: Source, op: Operator, inputs: Sequence[Tensor | None], suffix: str,
    fmt: Format | None = None,
) -> Tensor:  # fmt: skip
    """A node that computes what the node of `source` reads, in the format of its first input."""
    first = inputs[0]
    assert first is not None
    (shape,) = ctx.shapes_of(op, inputs)
    quantization = first.quantization if op.moves else None
    name = f"{source.outputs[0]}_{suffix}"
    return ctx.add_node(
        f"{source.name}_{suffix}", op, inputs, name, shape, fmt or first.format, quantization
    )


def _left(ctx: Context, source: Source) -> Tensor:
    """The left-hand matrix, transposed by a node of its own where transA says so."""
    x = ctx.activation(source, 0)
    if len(x.shape) != 2:
        raise DamagedNodeError(f"multiplies a tensor of shape {list(x.shape)}")
    if not source.integer("transA", 0):
        return x
    return before(ctx, source, Transpose((1, 0)), [x], "transposed")


def _computed_gemm(
    ctx: Context, source: Source, x: Tensor, alpha: float, beta: float | None
) -> None:
    """A product of two computed matrices; alpha and C (beta not None) become nodes behind it."""
    op: Operator = MatMul(transpose_b=bool(source.integer("transB", 0)))
    steps: list[tuple[Operator, Tensor]] = []
    if alpha != 1.0:
        steps.append((Mul(), _factor(ctx, f"{source.outputs[0]}_alpha", alpha, x)))
    if beta is not None:
        steps.append((Add(), _addend(ctx, source, beta)))
    inputs = [x, ctx.activation(source, 1)]
    for number, (follower, operand) in enumerate(steps):
        inputs = [before(ctx, source, op, inputs, f"step{number}"), operand]
        op = follower
    ctx.emit(source, op, inputs)


def _addend(ctx: Context, source: Source, beta: float) -> Tensor:
    """C, times a beta that is not 1."""
    c = ctx.activation(source, 2)
    if beta == 1.0:
        return c
    factor = _factor(ctx, f"{source.outputs[0]}_beta", beta, c)
    return before(ctx, source, Mul(), [c, factor], "scaled")


def _factor(ctx: Context, name: str, value: float, like: Tensor) -> Tensor:
    """A constant number in the format of a tensor of reals."""
    number = encode(np.array(value), like.format)
    return ctx.add_constant(name, marked(number, like.format))


def scaled_weights(ctx: Context, weights: Tensor, alpha: float) -> Tensor:
    """`weights` times alpha: in their scale where they are stored integers."""
    if alpha == 1.0:
        return weights
    assert weights.data is not None
    name = f"{weights.name}_scaled"
    factor = np.float32(alpha)
    if weights.quantization is None:
        return ctx.add_constant(name, times(weights, alpha))
    if factor <= 0:
        raise UnsupportedNodeError(f"alpha = {alpha:g} of stored weights is not supported")
    old = weights.quantization
    scaled = replace(old, scale=old.scale * factor)
    return ctx.add_constant(name, marked(weights.data, weights.format), scaled)


def _row_of_biases(
    ctx: Context, source: Source, units: int, alpha: float, beta: float
) -> Tensor | None:
    """C as one value a unit; None where it is computed, or has more than one row."""
    name = ctx.name_of(source, 2)
    stored = ctx.quantized.get(name)
    data = ctx.constants.get(name) if stored is None else stored.data
    if data is None or data.size not in (1, units) or data.shape[-1:] not in ((), (1,), (units,)):
        return None
    if alpha != 1.0 or beta != 1.0:
        scaled = times(ctx.real_constant(source, 2), beta)
        row = np.broadcast_to(scaled.reshape(-1), units)
        return ctx.add_constant(f"{source.outputs[0]}_bias", row.copy())
    if data.size == units:
        return ctx.bias(source, 2)
    quantization = None if stored is None else stored.quantization
    row = np.broadcast_to(data.reshape(-1), units)
    return ctx.add_constant(f"{source.outputs[0]}_bias", row.copy(), quantization)


def matmul(ctx: Context, source: Source) -> None:
    """MatMul; see the module's docstring."""
    x = ctx.activation(source, 0)
    right = ctx.name_of(source, 1)
    found = ctx.quantized[right].data if right in ctx.quantized else ctx.constants.get(right)
    if 1 in (len(x.shape), len(ctx.activation(source, 1).shape if found is None else found.shape)):
        _vector_product(ctx, source, x)
        return
    if found is not None and found.ndim == 2:
        weights = ctx.weights(source, 1, transposed_matrix, 1)
        ctx.emit(source, FullyConnected(keep_num_dims=True), [x, weights, None])
    else:
        ctx.emit(source, MatMul(), [x, ctx.activation(source, 1)])


def _vector_product(ctx: Context, source: Source, x: Tensor) -> None:
    """A product with a vector: a row on the left, a column on the right; its axis is left out."""
    y = ctx.activation(source, 1)
    row, column = len(x.shape) == 1, len(y.shape) == 1
    if row:
        x = before(ctx, source, Reshape((1, *x.shape)), [x], "row")
    if column:
        y = before(ctx, source, Reshape((*y.shape, 1)), [y], "column")
    product = before(ctx, source, MatMul(), [x, y], "product")
    shape = list(product.shape)
    if column:
        del shape[-1]
    if row:
        del shape[-1 if column else -2]
    ctx.emit(source, Reshape(tuple(shape)), [product])


def qlinear_matmul(ctx: Context, source: Source) -> None:
    """QLinearMatMul, per tensor or per column of a constant matrix."""
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), x_quantization)
    w_quantization, _ = read_quantization(ctx, source, 4, 5)
    y_quantization, fmt = per_tensor(ctx, source, 6, 7)
    right = ctx.constants.get(ctx.name_of(source, 3))
    if right is not None and right.ndim == 2:
        weights = ctx.stored_weights(source, 3, w_quantization, transposed_matrix, 1)
        op = FullyConnected(keep_num_dims=True)
        ctx.emit(source, op, [x, weights, None], fmt, y_quantization)
        return
    if not w_quantization.is_per_tensor:
        raise UnsupportedNodeError("a computed right-hand matrix needs one scale for the whole")
    w = ctx.read_as(ctx.activation(source, 3), w_quantization)
    ctx.emit(source, MatMul(), [x, w], fmt, y_quantization)


def qgemm(ctx: Context, source: Source) -> None:
    """com.microsoft QGemm: Gemm on stored integers, with an int32 bias."""
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    ctx.read_as(ctx.activation(source, 0), x_quantization)
    x = _left(ctx, source)
    w_quantization, _ = read_quantization(ctx, source, 4, 5)
    layout, axis = (_matrix, 0) if source.integer("transB", 0) else (transposed_matrix, 1)
    stored = ctx.stored_weights(source, 3, w_quantization, layout, axis)
    weights = scaled_weights(ctx, stored, source.real("alpha", 1.0))
    bias = ctx.bias(source, 6)
    if bias is not None and bias.shape != weights.shape[:1]:
        raise DamagedNodeError(f"has {bias.size} biases for {weights.shape[0]} outputs")
    if not source.input(7):
        raise UnsupportedNodeError("a float32 output is not supported")
    y_quantization, fmt = per_tensor(ctx, source, 7, 8)
    ctx.emit(source, FullyConnected(), [x, weights, bias], fmt, y_quantization)


def _matrix(data: np.ndarray) -> np.ndarray:
    if data.ndim != 2:
        raise DamagedNodeError(f"has weights of rank {data.ndim}, not 2")
    return data


def transposed_matrix(data: np.ndarray) -> np.ndarray:
    """[C, N] as [N, C]."""
    return _matrix(data).T

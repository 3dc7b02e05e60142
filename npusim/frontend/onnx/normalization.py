"""Normalizations; their scale and shift are constants."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.products import before
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.elements.quantize import REALS
from npusim.ir.ops.elements.reciprocal import Reciprocal
from npusim.ir.ops.elements.sqrt import Sqrt
from npusim.ir.ops.elements.square import Square
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.norms.batch_norm import BatchNorm
from npusim.ir.ops.norms.group_norm import GroupNorm
from npusim.ir.ops.norms.instance_norm import InstanceNorm
from npusim.ir.ops.norms.layer_norm import LayerNorm
from npusim.ir.ops.norms.local_response_norm import LocalResponseNorm
from npusim.ir.ops.pairs.float_add import FloatAdd
from npusim.ir.ops.pairs.sub import Sub
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import decode
from npusim.numerics.formats import FP32

CHANNELS_IN_OPSET = 21
"""Version since which GroupNormalization has a scale and a shift for each channel."""
MEAN_IN_FLOAT32 = 1
"""Value of `stash_type` that asks for float32 statistics."""


def batch_normalization(ctx: Context, source: Source) -> None:
    """BatchNormalization of inference; its statistics become one factor and one shift."""
    if source.integer("training_mode", 0):
        raise UnsupportedNodeError("training mode is not supported")
    x = ctx.activation(source, 0)
    parameters = [ctx.real_constant(source, index) for index in range(1, 5)]
    if len(x.shape) < 2 or any(p.shape != (x.shape[1],) for p in parameters):
        raise DamagedNodeError(f"has parameters that do not fit the channels of {list(x.shape)}")
    if any(p.data is None or p.format not in REALS for p in parameters):
        raise UnsupportedNodeError("parameters that are not reals are not supported")
    scale, shift, mean, variance = (decode(np.asarray(p.data), p.format) for p in parameters)
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance + np.float32(source.real("epsilon", 1e-5)))
        factor = np.float32(1.0) / deviation * scale
        constants = {"scale": factor, "shift": shift - mean * factor}
    name = source.outputs[0]
    operands = [ctx.add_constant(f"{name}_{key}", data) for key, data in constants.items()]
    ctx.emit(source, BatchNorm(), [x, *operands])


def group_normalization(ctx: Context, source: Source) -> None:
    """GroupNormalization; scale and shift belong to the groups before opset 21."""
    x = ctx.activation(source, 0)
    if len(x.shape) < 3:
        raise DamagedNodeError(f"normalizes a tensor of shape {list(x.shape)}")
    if source.integer("stash_type", MEAN_IN_FLOAT32) != MEAN_IN_FLOAT32:
        raise UnsupportedNodeError("statistics that are not float32 are not supported")
    groups = source.integer("num_groups", 0)
    op = GroupNorm(groups, source.real("epsilon", 1e-5))
    operands = []
    for index in (1, 2):
        given = ctx.real_constant(source, index)
        if source.opset < CHANNELS_IN_OPSET and given.data is not None and given.size == groups:
            spread = np.repeat(given.data.reshape(-1), max(1, x.shape[1] // max(1, groups)))
            given = ctx.add_constant(f"{source.outputs[0]}_{index}", spread)
        operands.append(given)
    ctx.emit(source, op, [x, *operands])


def instance_normalization(ctx: Context, source: Source) -> None:
    """InstanceNormalization."""
    x = ctx.activation(source, 0)
    if len(x.shape) < 3:
        raise DamagedNodeError(f"normalizes a tensor of shape {list(x.shape)}")
    op = InstanceNorm(source.real("epsilon", 1e-5))
    ctx.emit(source, op, [x, ctx.real_constant(source, 1), ctx.real_constant(source, 2)])


def layer_normalization(ctx: Context, source: Source) -> None:
    """LayerNormalization; statistics that are asked for are computed beside it."""
    if source.integer("stash_type", MEAN_IN_FLOAT32) != MEAN_IN_FLOAT32:
        raise UnsupportedNodeError("statistics that are not float32 are not supported")
    op = LayerNorm(source.real("epsilon", 1e-5), source.integer("axis", -1))
    inputs = [ctx.activation(source, 0), ctx.real_constant(source, 1)]
    if source.input(2):
        inputs.append(ctx.real_constant(source, 2))
    ctx.emit(source, op, inputs)
    if any(source.outputs[1:]):
        _statistics(ctx, source, inputs[0], op)


def _statistics(ctx: Context, source: Source, x: Tensor, op: LayerNorm) -> None:
    """The mean of each row, and 1 / sqrt(variance + epsilon), both float32."""
    if x.format != FP32:
        raise UnsupportedNodeError(f"statistics of {x.format.name} are not supported")
    rank = len(x.shape)
    if not -rank <= op.axis < rank:
        raise DamagedNodeError(f"axis {op.axis} is outside rank {rank}")
    axes = tuple(range(op.axis % rank, rank))
    mean_name, deviation_name = (*source.outputs[1:], "")[:2]
    mean = before(ctx, source, Mean(axes, keep_dims=True), [x], "mean")
    if mean_name:
        ctx.add_node(f"{source.name}_mean_out", Reshape(mean.shape), [mean], mean_name, mean.shape,
                     FP32, None)  # fmt: skip
    if deviation_name:
        epsilon = ctx.add_constant(f"{source.outputs[0]}_epsilon", np.array(op.epsilon, np.float32))
        centred = before(ctx, source, Sub(), [x, mean], "centred")
        squares = before(ctx, source, Square(), [centred], "squares")
        variance = before(ctx, source, Mean(axes, keep_dims=True), [squares], "variance")
        raised = before(ctx, source, FloatAdd(), [variance, epsilon], "raised")
        root = before(ctx, source, Sqrt(), [raised], "deviation")
        ctx.add_node(f"{source.name}_inverse", Reciprocal(), [root], deviation_name, mean.shape,
                     FP32, None)  # fmt: skip


def local_response_normalization(ctx: Context, source: Source) -> None:
    """LRN; ONNX Runtime has no window that reaches further to one side."""
    size = source.integer("size", 0)
    if size > 0 and size % 2 == 0:
        raise UnsupportedNodeError(f"an even size, {size}, is not supported")
    alpha, beta = source.real("alpha", 1e-4), source.real("beta", 0.75)
    op = LocalResponseNorm(size, alpha, beta, source.real("bias", 1.0))
    ctx.emit(source, op, [ctx.activation(source, 0)])

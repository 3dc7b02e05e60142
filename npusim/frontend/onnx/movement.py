"""Operators that move values: reshapes, concatenation, padding, and those that do nothing."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import cast, get_args

import numpy as np

from npusim.frontend.onnx.context import Context, QuantizedConstant
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import format_of_constant, unmarked
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.mirror_pad import MirrorPad, Mode
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.transpose import Transpose
from npusim.numerics.floats import decode
from npusim.numerics.quantization import Quantization


def identity(ctx: Context, source: Source) -> None:
    """Identity: another name for the input."""
    ctx.aliases[source.outputs[0]] = ctx.name_of(source, 0)


def dropout(ctx: Context, source: Source) -> None:
    """Dropout of inference: another name for the input, and a mask that keeps all of it."""
    ratio, training = ctx.constant(source, 1), ctx.constant(source, 2)
    if training is not None and np.any(training) and (ratio is None or np.any(ratio)):
        raise UnsupportedNodeError("training mode, which drops values, is not supported")
    identity(ctx, source)
    if len(source.outputs) > 1 and source.outputs[1]:
        ctx.constants[source.outputs[1]] = np.ones(ctx.activation(source, 0).shape, bool)


def reshape(ctx: Context, source: Source) -> None:
    """Reshape to a constant shape; 0 keeps an extent unless `allowzero` says otherwise."""
    x = ctx.activation(source, 0)
    given = tuple(int(extent) for extent in ctx.required_constant(source, 1).reshape(-1))
    if not source.integer("allowzero", 0):
        if any(e == 0 and axis >= len(x.shape) for axis, e in enumerate(given)):
            raise DamagedNodeError(f"keeps an extent that {list(x.shape)} has not")
        given = tuple(x.shape[axis] if e == 0 else e for axis, e in enumerate(given))
    ctx.emit(source, Reshape(given), [x])


def flatten(ctx: Context, source: Source) -> None:
    """Flatten to two axes."""
    x = ctx.activation(source, 0)
    axis = source.integer("axis", 1)
    rank = len(x.shape)
    if not -rank <= axis <= rank:
        raise DamagedNodeError(f"axis {axis} is outside rank {rank}")
    axis = axis + rank if axis < 0 else axis
    ctx.emit(source, Reshape((prod(x.shape[:axis]), prod(x.shape[axis:]))), [x])


def squeeze(ctx: Context, source: Source) -> None:
    """Squeeze named axes, or all of extent 1."""
    x = ctx.activation(source, 0)
    axes = _axes(ctx, source, len(x.shape))
    if not axes:
        axes = tuple(axis for axis, extent in enumerate(x.shape) if extent == 1)
    if any(x.shape[axis] != 1 for axis in axes):
        raise DamagedNodeError(f"squeezes axes {list(axes)} of shape {list(x.shape)}")
    shape = tuple(extent for axis, extent in enumerate(x.shape) if axis not in axes)
    ctx.emit(source, Reshape(shape), [x])


def unsqueeze(ctx: Context, source: Source) -> None:
    """Unsqueeze: axes of extent 1 at named places of the result."""
    x = ctx.activation(source, 0)
    count = ctx.constant(source, 1)
    added = len(source.integers("axes")) if count is None else count.size
    axes = _axes(ctx, source, len(x.shape) + added)
    shape = list(x.shape)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    ctx.emit(source, Reshape(tuple(shape)), [x])


def transpose(ctx: Context, source: Source) -> None:
    """Transpose; of a dequantized constant, its stored integers and scales."""
    name = ctx.name_of(source, 0)
    if name in ctx.quantized:
        ctx.quantized[source.outputs[0]] = _transposed(source, ctx.quantized[name])
        return
    x = ctx.activation(source, 0)
    ctx.emit(source, Transpose(_order(source, len(x.shape))), [x])


def concat(ctx: Context, source: Source) -> None:
    """Concat of activations."""
    inputs = [ctx.activation(source, index) for index in range(len(source.inputs))]
    inputs = [x for x in inputs if x.size]
    if not inputs:
        raise DamagedNodeError("joins nothing")
    ctx.emit(source, Concat(source.integer("axis", 0)), inputs)


def qlinear_concat(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearConcat: output scale and zero point, then (x, scale, zero) each."""
    quantization, fmt = per_tensor(ctx, source, 0, 1)
    count = (len(source.inputs) - 2) // 3
    if count < 1 or len(source.inputs) != 2 + 3 * count:
        raise DamagedNodeError(f"has {len(source.inputs)} inputs")
    inputs = []
    for index in range(2, 2 + 3 * count, 3):
        x_quantization, _ = per_tensor(ctx, source, index + 1, index + 2)
        inputs.append(ctx.read_as(ctx.activation(source, index), x_quantization))
    ctx.emit(source, Concat(source.integer("axis", 0)), inputs, fmt, quantization)


def pad(ctx: Context, source: Source) -> None:
    """Pad; the amounts are an attribute before opset 11 and an input since."""
    mode = source.text("mode", "constant")
    x = ctx.activation(source, 0)
    rank = len(x.shape)
    value: int | float = 0
    if source.opset < 11:
        amounts = source.integers("pads")
        value = source.real("value", 0.0)
    else:
        amounts = tuple(int(n) for n in ctx.required_constant(source, 1).reshape(-1))
        value = _padding_value(ctx, source)
        amounts = _spread(ctx, source, amounts, rank)
    if len(amounts) != 2 * rank:
        raise DamagedNodeError(f"has {len(amounts)} amounts for rank {rank}")
    if any(amount < 0 for amount in amounts):
        raise UnsupportedNodeError("negative padding is not supported")
    padding = tuple(zip(amounts[:rank], amounts[rank:], strict=True))
    if mode == "constant":
        ctx.emit(source, Pad(padding, value), [x])
    elif mode in get_args(Mode):
        ctx.emit(source, MirrorPad(padding, cast(Mode, mode)), [x])
    else:
        raise UnsupportedNodeError(f"mode '{mode}' is not supported")


def _padding_value(ctx: Context, source: Source) -> int | float:
    """The constant of input 2, dequantized where it is stored with a scale; 0 without one."""
    if not source.input(2):
        return 0
    name = ctx.name_of(source, 2)
    found = ctx.quantized.get(name)
    given = ctx.required_constant(source, 2) if found is None else found.real()
    if given.dtype.names is not None:
        given = decode(unmarked(given), format_of_constant(given))
    value: int | float = given.reshape(()).item() if given.size == 1 else 0
    return value


def _spread(ctx: Context, source: Source, amounts: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Amounts of the axes that input 3 names, as amounts of all axes."""
    axes = ctx.constant(source, 3)
    if axes is None:
        return amounts
    named = [int(axis) % rank for axis in axes.reshape(-1)]
    if len(amounts) != 2 * len(named):
        raise DamagedNodeError(f"has {len(amounts)} amounts for {len(named)} axes")
    spread = [0] * (2 * rank)
    for index, axis in enumerate(named):
        spread[axis] = amounts[index]
        spread[rank + axis] = amounts[len(named) + index]
    return tuple(spread)


def _axes(ctx: Context, source: Source, rank: int) -> tuple[int, ...]:
    """Axes of Squeeze and Unsqueeze: an attribute before opset 13, an input since."""
    given = ctx.constant(source, 1)
    axes = source.integers("axes") if given is None else tuple(int(a) for a in given.reshape(-1))
    if any(not -rank <= axis < rank for axis in axes):
        raise DamagedNodeError(f"axes {list(axes)} are outside rank {rank}")
    return tuple(axis % rank for axis in axes)


def _order(source: Source, rank: int) -> tuple[int, ...]:
    order = source.integers("perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise DamagedNodeError(f"attribute 'perm' is {list(order)} for rank {rank}")
    return order


def _transposed(source: Source, found: QuantizedConstant) -> QuantizedConstant:
    order = _order(source, found.data.ndim)
    old = found.quantization
    axis = None if old.axis is None else order.index(old.axis % found.data.ndim)
    quantization = replace(old, axis=axis)
    if old.block is not None:
        scale, zero = (np.transpose(values, order) for values in (old.scale, old.zero_point))
        quantization = Quantization(scale, zero, axis, old.block)
    data = np.ascontiguousarray(np.transpose(found.data, order))
    return replace(found, data=data, quantization=quantization)

"""IsNaN, IsInf, OneHot, Hardmax, EyeLike: comparisons, and a choice between two values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import DTYPES, type_name
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.arg_max import ArgMax
from npusim.ir.ops.elements.abs import Abs
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.compare import Compare
from npusim.ir.ops.pairs.select import Select
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import BOOL, FP16, FP32, INT64, Format

WHOLE_TENSOR_UNTIL = 13
"""Version of Hardmax since which it looks along one axis, not over all from it on."""


def is_nan(ctx: Context, source: Source) -> None:
    """IsNaN: what is not equal to itself."""
    x = _real(ctx, source)
    ctx.emit(source, Compare("not_equal"), [x, x], BOOL)


def is_inf(ctx: Context, source: Source) -> None:
    """IsInf, of one sign or of both."""
    x = _real(ctx, source)
    above = bool(source.integer("detect_positive", 1))
    below = bool(source.integer("detect_negative", 1))
    if not above and not below:
        ctx.constants[source.outputs[0]] = np.zeros(x.shape, bool)
        return
    infinity = np.array(np.inf if above else -np.inf, x.format.dtype)
    end = ctx.add_constant(f"{source.outputs[0]}_end", infinity)
    if above and below:
        x = _step(ctx, source, Abs(), [x], "magnitude", x.format)
    ctx.emit(source, Compare("equal"), [x, end], BOOL)


def hardmax(ctx: Context, source: Source) -> None:
    """Hardmax: 1 at the first of the largest elements along an axis, 0 elsewhere."""
    x = _real(ctx, source)
    old = source.opset < WHOLE_TENSOR_UNTIL
    axis = _axis(source, 1 if old else -1, len(x.shape))
    if old and any(extent != 1 for extent in x.shape[axis + 1 :]):
        raise UnsupportedNodeError(f"a hardmax over all axes from {axis} on is not supported")
    place = _step(ctx, source, ArgMax((axis,), keep_dims=True), [x], "place", INT64)
    along = [1] * len(x.shape)
    along[axis] = -1
    indices = np.arange(x.shape[axis], dtype=np.int64).reshape(along)
    counted = ctx.add_constant(f"{source.outputs[0]}_indices", indices)
    hot = _step(ctx, source, Compare("equal"), [counted, place], "hot", BOOL)
    ctx.emit(source, Cast(x.format.name), [hot], x.format)


def one_hot(ctx: Context, source: Source) -> None:
    """OneHot with a constant depth and values; indices beyond both ends find no place."""
    given = ctx.activation(source, 0)
    depth = int(ctx.required_constant(source, 1).reshape(-1)[0])
    values = ctx.required_constant(source, 2).reshape(-1)
    if depth < 1 or values.size != 2:
        raise DamagedNodeError(f"has a depth of {depth} and {values.size} values")
    rank = len(given.shape) + 1
    axis = _axis(source, -1, rank)
    if given.format != INT64:
        given = _step(ctx, source, Cast(INT64.name), [given], "whole", INT64)
    spread = (*given.shape[:axis], 1, *given.shape[axis:])
    places = _step(ctx, source, Reshape(spread), [given], "places", INT64)
    along = [1] * rank
    along[axis] = -1
    hot = None
    for name, first in (("from_front", 0), ("from_end", -depth)):
        counted = np.arange(first, first + depth, dtype=np.int64).reshape(along)
        indices = ctx.add_constant(f"{source.outputs[0]}_{name}_indices", counted)
        found = _step(ctx, source, Compare("equal"), [places, indices], name, BOOL)
        either = Compare("logical_or")
        hot = found if hot is None else _step(ctx, source, either, [hot, found], "hot", BOOL)
    assert hot is not None
    off, on = (
        ctx.add_constant(f"{source.outputs[0]}_{name}", values[at : at + 1].reshape(()))
        for at, name in enumerate(("off", "on"))
    )
    ctx.add_node(source.name, Select(), [on, off, hot], source.outputs[0], hot.shape, on.format,
                 None)  # fmt: skip


def eye_like(ctx: Context, source: Source) -> None:
    """EyeLike: known, since all shapes are."""
    x = ctx.activation(source, 0)
    if len(x.shape) != 2:
        raise DamagedNodeError(f"makes a diagonal of shape {list(x.shape)}")
    wanted = source.integer("dtype", 0)
    dtype = DTYPES.get(wanted) if wanted else np.dtype(x.format.dtype)
    if dtype is None or dtype.names is not None or (not wanted and x.format.holds_codes):
        named = type_name(wanted) if wanted else x.format.name
        raise UnsupportedNodeError(f"a diagonal of {named} is not supported")
    ctx.constants[source.outputs[0]] = np.eye(*x.shape, source.integer("k", 0), dtype=dtype)


def _real(ctx: Context, source: Source) -> Tensor:
    x = ctx.activation(source, 0)
    if x.format not in (FP32, FP16):
        raise UnsupportedNodeError(f"of {x.format.name} it is not supported")
    return x


def _axis(source: Source, default: int, rank: int) -> int:
    axis = source.integer("axis", default)
    if not -rank <= axis < rank:
        raise DamagedNodeError(f"axis {axis} is outside rank {rank}")
    return axis % rank


def _step(
    ctx: Context, source: Source, op: Operator, inputs: Sequence[Tensor], suffix: str, fmt: Format
) -> Tensor:
    """A node of format `fmt` before the last one."""
    (shape,) = ctx.shapes_of(op, inputs)
    name = f"{source.outputs[0]}_{suffix}"
    return ctx.add_node(f"{source.name}_{suffix}", op, inputs, name, shape, fmt, None)


OPERATORS: dict[str, Callable[[Context, Source], None]] = {
    "EyeLike": eye_like,
    "Hardmax": hardmax,
    "IsInf": is_inf,
    "IsNaN": is_nan,
    "OneHot": one_hot,
}

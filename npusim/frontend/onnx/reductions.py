"""ONNX operators along axes: sums, means, extrema, their places, normalization to unit length."""

from __future__ import annotations

from collections.abc import Callable

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import checked_shape
from npusim.ir.graph import Node
from npusim.ir.ops.axes.arg_extremum import ArgExtremum
from npusim.ir.ops.axes.arg_max import ArgMax
from npusim.ir.ops.axes.arg_min import ArgMin
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.reduce_l1 import ReduceL1
from npusim.ir.ops.axes.reduce_l2 import ReduceL2
from npusim.ir.ops.axes.reduce_max import ReduceMax
from npusim.ir.ops.axes.reduce_min import ReduceMin
from npusim.ir.ops.axes.reduce_prod import ReduceProd
from npusim.ir.ops.axes.reduce_sum import ReduceSum
from npusim.ir.ops.axes.reduce_sum_square import ReduceSumSquare
from npusim.ir.ops.axes.reduction import Reduction
from npusim.ir.ops.axes.top_k import TopK
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT64

Handler = Callable[[Context, Source], None]


def reduction(kind: type[Reduction]) -> Handler:
    """A reduction; the axes are an attribute, or an input since opset 13 (sum) or 18."""

    def take(ctx: Context, source: Source) -> None:
        x = ctx.activation(source, 0)
        axes = reduced_axes(ctx, source, x)
        if axes is None:
            ctx.aliases[source.outputs[0]] = ctx.name_of(source, 0)
            return
        ctx.emit(source, kind(axes, keep_dims=bool(source.integer("keepdims", 1))), [x])

    return take


def place(kind: type[ArgExtremum]) -> Handler:
    """ArgMax, ArgMin."""

    def take(ctx: Context, source: Source) -> None:
        axes = (source.integer("axis", 0),)
        keep = bool(source.integer("keepdims", 1))
        op = kind(axes, keep, last=bool(source.integer("select_last_index", 0)))
        ctx.emit(source, op, [ctx.activation(source, 0)], INT64)

    return take


def top_k(ctx: Context, source: Source) -> None:
    """TopK with a constant count, in order."""
    if not source.integer("sorted", 1):
        raise UnsupportedNodeError("results without an order are not supported")
    x = ctx.activation(source, 0)
    if source.opset < 10:
        count = source.integer("k", 0)
    else:
        count = int(ctx.required_constant(source, 1).reshape(()))
    op = TopK(count, source.integer("axis", -1), bool(source.integer("largest", 1)))
    try:
        shapes = op.infer_shapes([x])
    except ValueError as error:
        raise DamagedNodeError(str(error)) from None
    given = (*source.outputs, "")[:2]
    names = [name or f"{source.name}_{at}" for at, name in enumerate(given)]
    for name, shape, fmt in zip(names, shapes, (x.format, INT64), strict=True):
        ctx.tensors[name] = Tensor(name, checked_shape(shape), fmt)
    ctx.nodes.append(Node(source.name, op, (x.name,), tuple(names)))


def lp_normalization(ctx: Context, source: Source) -> None:
    """LpNormalization of order 1 or 2."""
    order = source.integer("p", 2)
    if order not in (1, 2):
        raise UnsupportedNodeError(f"a norm of order {order} is not supported")
    op = L2Normalization(source.integer("axis", -1), order)
    ctx.emit(source, op, [ctx.activation(source, 0)])


def reduced_axes(ctx: Context, source: Source, x: Tensor) -> tuple[int, ...] | None:
    """The axes, all if none are named; None if naming none means to do nothing."""
    axes: tuple[int, ...] = source.integers("axes")
    given = ctx.constant(source, 1)
    if given is not None:
        axes = tuple(int(axis) for axis in given.reshape(-1))
    if not axes and source.integer("noop_with_empty_axes", 0):
        return None
    return axes or tuple(range(len(x.shape)))


OPERATORS: dict[str, Handler] = {
    "ArgMax": place(ArgMax),
    "ArgMin": place(ArgMin),
    "LpNormalization": lp_normalization,
    "ReduceL1": reduction(ReduceL1),
    "ReduceL2": reduction(ReduceL2),
    "ReduceMax": reduction(ReduceMax),
    "ReduceMean": reduction(Mean),
    "ReduceMin": reduction(ReduceMin),
    "ReduceProd": reduction(ReduceProd),
    "ReduceSum": reduction(ReduceSum),
    "ReduceSumSquare": reduction(ReduceSumSquare),
    "TopK": top_k,
}

"""Operators that several of ours make up: Einsum, Sum and Mean, Trilu, logarithms of sums."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from string import ascii_letters

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.pairs import chain
from npusim.frontend.onnx.products import before
from npusim.frontend.onnx.reductions import reduced_axes
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import marked
from npusim.ir.ops.axes.cum_sum import CumSum
from npusim.ir.ops.axes.reduce_max import ReduceMax
from npusim.ir.ops.axes.reduce_sum import ReduceSum
from npusim.ir.ops.elements.exp import Exp
from npusim.ir.ops.elements.log import Log
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.pairs.div import Div
from npusim.ir.ops.pairs.float_add import FloatAdd
from npusim.ir.ops.pairs.select import Select
from npusim.ir.ops.pairs.sub import Sub
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.tensor import Tensor

ELLIPSIS = "..."


def total(ctx: Context, source: Source) -> None:
    """Sum of one or more tensors."""
    chain(ctx, source, FloatAdd())


def mean(ctx: Context, source: Source) -> None:
    """Mean of one or more tensors: their sum, divided by their number."""
    count = np.array(len(source.inputs), np.float32)
    if count < 2:
        chain(ctx, source, FloatAdd())
        return
    summed = ctx.activation(source, 0)
    for index in range(1, len(source.inputs)):
        x = ctx.activation(source, index)
        summed = before(ctx, source, FloatAdd(), [summed, x], f"sum{index}")
    ctx.emit(source, Div(), [summed, ctx.add_constant(f"{source.outputs[0]}_count", count)])


def log_sum(ctx: Context, source: Source) -> None:
    """ReduceLogSum."""
    axes, keep = _reduced(ctx, source)
    x = ctx.activation(source, 0)
    ctx.emit(source, Log(), [before(ctx, source, ReduceSum(axes, keep), [x], "sum")])


def log_sum_exp(ctx: Context, source: Source) -> None:
    """ReduceLogSumExp; the largest element is taken out before, and added again."""
    axes, keep = _reduced(ctx, source)
    x = ctx.activation(source, 0)
    largest = before(ctx, source, ReduceMax(axes, True), [x], "largest")
    centred = before(ctx, source, Sub(), [x, largest], "centred")
    powers = before(ctx, source, Exp(), [centred], "powers")
    summed = before(ctx, source, ReduceSum(axes, keep), [powers], "sum")
    logarithm = before(ctx, source, Log(), [summed], "logarithm")
    if not keep:
        largest = before(ctx, source, Reshape(logarithm.shape), [largest], "offset")
    ctx.emit(source, FloatAdd(), [logarithm, largest])


def _reduced(ctx: Context, source: Source) -> tuple[tuple[int, ...], bool]:
    """The axes of a reduction, all if none are named, and whether they stay with extent 1."""
    x = ctx.activation(source, 0)
    axes = reduced_axes(ctx, source, x)
    if axes is None or not x.format.is_float:
        raise UnsupportedNodeError("without axes, or on integers, it is not supported")
    return axes, bool(source.integer("keepdims", 1))


def triangle(ctx: Context, source: Source) -> None:
    """Trilu: zeros above or below a diagonal of the last two axes."""
    x = ctx.activation(source, 0)
    given = ctx.constant(source, 1)
    diagonal = 0 if given is None else int(given.reshape(()))
    if len(x.shape) < 2:
        raise DamagedNodeError(f"cuts a triangle from shape {list(x.shape)}")
    cut = np.triu if source.integer("upper", 1) else np.tril
    name = source.outputs[0]
    kept = ctx.add_constant(f"{name}_kept", cut(np.ones(x.shape[-2:], bool), diagonal))
    zero = ctx.add_constant(f"{name}_zero", marked(np.zeros((), x.format.dtype), x.format))
    ctx.add_node(source.name, Select(), [x, zero, kept], name, x.shape, x.format, x.quantization)


def cum_sum(ctx: Context, source: Source) -> None:
    """CumSum along a constant axis."""
    axis = int(ctx.required_constant(source, 1).reshape(()))
    flags = bool(source.integer("exclusive", 0)), bool(source.integer("reverse", 0))
    x = ctx.activation(source, 0)
    ctx.emit(source, CumSum(axis, *flags), [x])


def einsum(ctx: Context, source: Source) -> None:
    """Einsum of one tensor that moves axes, or of two: a product of matrices between movements."""
    operands = [ctx.activation(source, index) for index in range(len(source.inputs))]
    terms, result = _terms(source, operands)
    if len(terms) == 1 and sorted(terms[0]) == sorted(result):
        ctx.emit(source, Transpose(_places(terms[0], result)), operands)
        return
    if len(terms) != 2:
        raise UnsupportedNodeError("sums of products of one, or of three and more tensors")
    extents = _extents(terms, operands)
    left, right = terms
    lone = [each for each in left + right if (each in left) != (each in right)]
    if any(each not in result for each in lone):
        raise UnsupportedNodeError("a sum along an axis that one tensor alone has")
    both = [each for each in left if each in right]
    batch = "".join(each for each in both if each in result)
    depth = "".join(each for each in both if each not in result)
    rows = "".join(each for each in left if each not in right)
    columns = "".join(each for each in right if each not in left)

    def size(labels: str) -> int:
        return prod(extents[each] for each in labels)

    head = tuple(extents[each] for each in batch)
    matrices = []
    for at, (x, term, axes, sizes) in enumerate((
        (operands[0], left, batch + rows + depth, (size(rows), size(depth))),
        (operands[1], right, batch + depth + columns, (size(depth), size(columns))),
    )):  # fmt: skip
        moved = before(ctx, source, Transpose(_places(term, axes)), [x], f"moved{at}")
        matrices.append(before(ctx, source, Reshape((*head, *sizes)), [moved], f"matrix{at}"))
    product = before(ctx, source, MatMul(), matrices, "product")
    found = batch + rows + columns
    shape = tuple(extents[each] for each in found)
    spread = before(ctx, source, Reshape(shape), [product], "spread")
    ctx.emit(source, Transpose(_places(found, result)), [spread])


def _terms(source: Source, operands: list[Tensor]) -> tuple[list[str], str]:
    """The labels of each operand and of the result, one a letter; an ellipsis becomes letters."""
    equation = source.text("equation", "").replace(" ", "")
    given, arrow, result = equation.partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        raise DamagedNodeError(f"equation '{equation}' has {len(terms)} terms")
    free = [each for each in ascii_letters if each not in equation]
    hidden = {
        len(x.shape) - len(term.replace(ELLIPSIS, ""))
        for term, x in zip(terms, operands, strict=True) if ELLIPSIS in term
    }  # fmt: skip
    if len(hidden) > 1:
        raise UnsupportedNodeError("ellipses of different lengths")
    dots = "".join(free[: max(hidden.pop(), 0)]) if hidden else ""
    terms = [term.replace(ELLIPSIS, dots) for term in terms]
    if arrow:
        result = result.replace(ELLIPSIS, dots)
    else:
        once = [each for each in "".join(terms) if "".join(terms).count(each) == 1]
        result = dots + "".join(sorted(each for each in once if each not in dots))
    for term, x in zip(terms, operands, strict=True):
        if len(term) != len(x.shape):
            raise DamagedNodeError(f"equation '{equation}' does not fit {list(x.shape)}")
    if any(len(set(term)) < len(term) for term in (*terms, result)):
        raise UnsupportedNodeError(f"'{equation}', which names an axis twice, is not supported")
    if any(each not in "".join(terms) for each in result):
        raise DamagedNodeError(f"equation '{equation}' has a result of nothing")
    return terms, result


def _extents(terms: list[str], operands: list[Tensor]) -> dict[str, int]:
    """The extent of each label."""
    extents: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for label, extent in zip(term, x.shape, strict=True):
            if extents.setdefault(label, extent) != extent:
                raise UnsupportedNodeError("axes of one name and different extents")
    return extents


def _places(term: str, wanted: str) -> tuple[int, ...]:
    return tuple(term.index(each) for each in wanted)


OPERATORS: dict[str, Callable[[Context, Source], None]] = {
    "CumSum": cum_sum,
    "Einsum": einsum,
    "Mean": mean,
    "ReduceLogSum": log_sum,
    "ReduceLogSumExp": log_sum_exp,
    "Sum": total,
    "Trilu": triangle,
}

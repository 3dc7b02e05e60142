"""Operators that take parts of a tensor or repeat them: slices, splits, gathers, blocks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import marked_type
from npusim.ir.ops.movements.broadcast_to import BroadcastTo
from npusim.ir.ops.movements.depth_to_space import DepthToSpace
from npusim.ir.ops.movements.gather import Gather
from npusim.ir.ops.movements.gather_elements import GatherElements
from npusim.ir.ops.movements.gather_nd import GatherND
from npusim.ir.ops.movements.scatter import ScatterElements, ScatterND
from npusim.ir.ops.movements.space_to_depth import SpaceToDepth
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.tile import Repeat
from npusim.ir.tensor import Tensor

Slices = list[tuple[int | None, int | None, int]]


def slice_(ctx: Context, source: Source) -> None:
    """Slice: constant starts, ends, axes and steps; attributes before opset 10, inputs since."""
    x = ctx.activation(source, 0)
    begins, ends, strides = zip(*slices_of(ctx, source, x.shape), strict=True)
    op = StridedSlice(begins, ends, strides)
    if any(not range(*cut.indices(e)) for cut, e in zip(op.slices, x.shape, strict=True)):
        left = [len(range(*cut.indices(e))) for cut, e in zip(op.slices, x.shape, strict=True)]
        ctx.constants[source.outputs[0]] = np.empty(left, x.format.dtype)
        return
    ctx.emit(source, op, [x])


def slices_of(ctx: Context, source: Source, shape: tuple[int, ...]) -> Slices:
    """(begin, end, stride) of each axis; None is where the axis begins or ends."""
    if source.opset < 10:
        given = [source.integers(name) for name in ("starts", "ends", "axes", "steps")]
    else:
        given = [_integers(ctx, source, index) or () for index in (1, 2, 3, 4)]
    starts, ends, axes, steps = given
    axes = axes or tuple(range(len(starts)))
    steps = steps or (1,) * len(starts)
    rank = len(shape)
    if not len(starts) == len(ends) == len(axes) == len(steps) or not rank:
        raise DamagedNodeError(f"has {len(starts)} starts, {len(ends)} ends, {len(axes)} axes")
    if any(not -rank <= axis < rank for axis in axes) or 0 in steps:
        raise DamagedNodeError(f"slices axes {list(axes)} of rank {rank} by {list(steps)}")
    found: Slices = [(None, None, 1)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        extent = shape[axis]
        if step > 0:
            first = None if start in (0, -extent) else start
            last = None if end >= extent else end
        else:
            first = None if start >= extent - 1 else start
            last = None if end < -extent else end
        found[axis] = first, last, step
    return found


def split(ctx: Context, source: Source) -> None:
    """Split: one slice an output; equal parts, the last one smaller, unless sizes are given."""
    name = ctx.name_of(source, 0)
    constant = ctx.constants.get(name)
    x = None if constant is not None else ctx.activation(source, 0)
    shape = constant.shape if constant is not None else x.shape if x is not None else ()
    axis = source.integer("axis", 0)
    rank = len(shape)
    if not -rank <= axis < rank:
        raise DamagedNodeError(f"axis {axis} is outside rank {rank}")
    sizes = _parts(ctx, source, shape[axis])
    for at, (low, high) in enumerate(pairwise(accumulate(sizes, initial=0))):
        op = StridedSlice.along(axis, rank, low, high)
        if constant is not None:
            ctx.constants[source.outputs[at]] = constant[op.slices]
        elif low == high and x is not None:
            left = [*shape[: axis % rank], 0, *shape[axis % rank + 1 :]]
            ctx.constants[source.outputs[at]] = np.empty(left, marked_type(x.format))
        elif source.outputs[at]:
            ctx.emit(source, op, [x], output=at)


def _parts(ctx: Context, source: Source, extent: int) -> tuple[int, ...]:
    given = source.integers("split") if source.opset < 13 else _integers(ctx, source, 1)
    count = len(source.outputs)
    if given:
        if len(given) != count or sum(given) != extent or min(given) < 0:
            raise DamagedNodeError(f"parts of {list(given)} do not make up {extent} elements")
        return given
    size = -(-extent // count)
    sizes = tuple(min(size, extent - at * size) for at in range(count))
    if source.integer("num_outputs", count) != count or min(sizes) < 1:
        raise DamagedNodeError(f"splits {extent} elements into {count} parts")
    return sizes


def gather(ctx: Context, source: Source) -> None:
    """Gather; the indices may be computed."""
    ctx.emit(source, Gather(source.integer("axis", 0)), _with_indices(ctx, source))


def gather_elements(ctx: Context, source: Source) -> None:
    """GatherElements."""
    ctx.emit(source, GatherElements(source.integer("axis", 0)), _with_indices(ctx, source))


def gather_nd(ctx: Context, source: Source) -> None:
    """GatherND."""
    ctx.emit(source, GatherND(source.integer("batch_dims", 0)), _with_indices(ctx, source))


def _with_indices(ctx: Context, source: Source) -> list[Tensor]:
    return [ctx.activation(source, 0), ctx.activation(source, 1)]


def scatter_elements(ctx: Context, source: Source) -> None:
    """ScatterElements, and Scatter, as it was called before opset 11."""
    op = ScatterElements(source.text("reduction", "none"), source.integer("axis", 0))
    ctx.emit(source, op, [*_with_indices(ctx, source), ctx.activation(source, 2)])


def scatter_nd(ctx: Context, source: Source) -> None:
    """ScatterND."""
    op = ScatterND(source.text("reduction", "none"))
    ctx.emit(source, op, [*_with_indices(ctx, source), ctx.activation(source, 2)])


def tile(ctx: Context, source: Source) -> None:
    """Tile by constant repeats."""
    repeats = _integers(ctx, source, 1)
    ctx.emit(source, Repeat(repeats or ()), [ctx.activation(source, 0)])


def expand(ctx: Context, source: Source) -> None:
    """Expand to a constant shape; both broadcast."""
    x = ctx.activation(source, 0)
    shape = _integers(ctx, source, 1) or ()
    padded = (None,) * (len(shape) - len(x.shape)) + x.shape[max(0, len(x.shape) - len(shape)) :]
    kept = tuple(1 if n == extent else n for n, extent in zip(shape, padded, strict=True))
    ctx.emit(source, BroadcastTo(kept), [x])


def space_to_depth(ctx: Context, source: Source) -> None:
    """SpaceToDepth in either order of channels."""
    op = SpaceToDepth(source.integer("blocksize", 0), _blocks_innermost(source), channel_axis=1)
    ctx.emit(source, op, [ctx.activation(source, 0)])


def depth_to_space(ctx: Context, source: Source) -> None:
    """DepthToSpace in either order of channels."""
    op = DepthToSpace(source.integer("blocksize", 0), _blocks_innermost(source), channel_axis=1)
    ctx.emit(source, op, [ctx.activation(source, 0)])


def _blocks_innermost(source: Source) -> bool:
    mode = source.text("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise DamagedNodeError(f"mode '{mode}' is neither DCR nor CRD")
    return mode == "CRD"


def size(ctx: Context, source: Source) -> None:
    """Size: known, since all shapes are."""
    count = ctx.activation(source, 0).size
    ctx.constants[source.outputs[0]] = np.array(count, np.int64)


def _integers(ctx: Context, source: Source, index: int) -> tuple[int, ...] | None:
    """The numbers of a constant input, None where it is absent."""
    given = ctx.constant(source, index)
    if given is None:
        return None
    if given.dtype.kind not in "iu":
        raise DamagedNodeError(f"input {index} is {given.dtype.name}, not integer")
    return tuple(int(value) for value in given.reshape(-1))


OPERATORS: dict[str, Callable[[Context, Source], None]] = {
    "DepthToSpace": depth_to_space,
    "Expand": expand,
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "Scatter": scatter_elements,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "Size": size,
    "Slice": slice_,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Tile": tile,
}
"""Those that take parts of a tensor or repeat them."""

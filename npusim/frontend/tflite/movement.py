"""TFLite's operators that move values: slices, splits, transposes, gathers, blocks, resizing.

A node with several outputs becomes one slice an output; axes that a slice drops, or that a stack
adds, are reshapes around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, pairwise

import numpy as np

from npusim.frontend.tflite import batches
from npusim.frontend.tflite.folding import MAX_FOLDED
from npusim.frontend.tflite.source import (
    Import,
    Imported,
    Inputs,
    Known,
    Source,
    Step,
    UnsupportedNodeError,
)
from npusim.ir.operator import Operator
from npusim.ir.ops.movements.broadcast_to import BroadcastTo
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.depth_to_space import DepthToSpace
from npusim.ir.ops.movements.gather import Gather
from npusim.ir.ops.movements.gather_nd import GatherND
from npusim.ir.ops.movements.mirror_pad import MirrorPad
from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.movements.space_to_depth import SpaceToDepth
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.tile import Repeat
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.windows.resize_bilinear import ResizeBilinear
from npusim.ir.tensor import Tensor
from npusim.numerics.resize import nearest_tflite

Single = tuple[Operator, Inputs]


def transpose(source: Source) -> Single:
    """TRANSPOSE by a constant order."""
    return Transpose(tuple(source.integers(1))), (source.input(0),)


def slice_(source: Source) -> Single:
    """SLICE: begin and size per axis; a size of -1 is the rest."""
    x = source.input(0)
    begin, size = source.integers(1), source.integers(2)
    if not len(begin) == len(size) == len(x.shape):
        raise ValueError(f"{len(begin)} begins and {len(size)} sizes for shape {x.shape}")
    starts: list[int | None] = []
    stops: list[int | None] = []
    for first, count, extent in zip(begin, size, x.shape, strict=True):
        last = extent if count == -1 else first + count
        if not 0 <= first < last <= extent:
            raise ValueError(f"takes {first} to {last} of {extent} elements")
        whole = (first, last) == (0, extent)
        starts.append(None if whole else first)
        stops.append(None if whole else last)
    return StridedSlice(tuple(starts), tuple(stops), (1,) * len(x.shape)), (x,)


def split(source: Source) -> list[Step]:
    """SPLIT into equal parts; the axis is input 0."""
    x = source.input(1)
    axis = _one(source, 0)
    extent = x.shape[normal_axis(axis, len(x.shape))]
    count = len(source.outputs)
    if extent % count:
        raise ValueError(f"splits {extent} elements into {count} parts")
    return _slices(source, x, axis, [extent // count] * count)


def split_v(source: Source) -> list[Step]:
    """SPLIT_V into parts of given sizes, one of which may be -1."""
    x, sizes = source.input(0), source.integers(1)
    axis = _one(source, 2)
    extent = x.shape[normal_axis(axis, len(x.shape))]
    if sizes.count(-1) == 1:
        rest = extent - sum(size for size in sizes if size != -1)
        sizes = [rest if size == -1 else size for size in sizes]
    if len(sizes) != len(source.outputs) or sum(sizes) != extent or min(sizes) < 1:
        raise ValueError(f"parts of {sizes} do not make up {extent} elements")
    return _slices(source, x, axis, sizes)


def _slices(source: Source, x: Tensor, axis: int, sizes: list[int]) -> list[Step]:
    bounds = pairwise(accumulate(sizes, initial=0))
    return [
        source.step(StridedSlice.along(axis, len(x.shape), low, high), (x,), at)
        for at, (low, high) in enumerate(bounds)
    ]


def unpack(source: Source) -> list[Step]:
    """UNPACK: the slices of an axis, which they lose."""
    x = source.input(0)
    axis = normal_axis(int(source.options.get("Axis", 0)), len(x.shape))
    if x.shape[axis] != len(source.outputs):
        raise ValueError(f"has {len(source.outputs)} outputs for {x.shape[axis]} slices")
    steps = []
    for at, out in enumerate(source.outputs):
        cut = source.between(StridedSlice.along(axis, len(x.shape), at, at + 1), (x,), x, at)
        steps += [cut, source.step(Reshape(out.shape), cut.outputs, at)]
    return steps


def pack(source: Source) -> list[Step]:
    """PACK: tensors of one shape, joined along an axis that they get."""
    values = [source.input(index) for index in range(len(source.inputs))]
    out = source.outputs[0]
    axis = normal_axis(int(source.options.get("Axis", 0)), len(out.shape))
    if not values or len({value.shape for value in values}) != 1:
        raise ValueError("packs nothing, or tensors of several shapes")
    shape = values[0].shape
    wider = Reshape((*shape[:axis], 1, *shape[axis:]))
    if len(values) == 1:
        return [source.step(wider, (values[0],))]
    steps = [source.between(wider, (value,), value, at) for at, value in enumerate(values)]
    joined = tuple(step.outputs[0] for step in steps)
    return [*steps, source.step(Concat(axis), joined)]


def strided_slice(source: Source) -> Imported:
    """STRIDED_SLICE with all its masks."""
    x = source.input(0)
    op = _masked(source, x.shape)
    (shape,) = op.infer_shapes((x,))
    out = source.outputs[0]
    if shape == out.shape:
        return op, (x,)
    if sorted(e for e in shape if e != 1) != sorted(e for e in out.shape if e != 1):
        raise ValueError(f"gives shape {shape}, the file says {out.shape}")
    cut = source.between(op, (x,), x)
    return [cut, source.step(Reshape(out.shape), cut.outputs)]


def sliced_shape(source: Source) -> tuple[int, ...]:
    """The shape that a STRIDED_SLICE gives: without the axes that it drops, with those it adds."""
    x, count = source.input(0), len(source.integers(1))
    (extents,) = _masked(source, x.shape).infer_shapes((x,))
    masks = {name: _mask(source, name) for name in ("Ellipsis", "NewAxis", "ShrinkAxis")}
    new = {at for at in range(count) if at in masks["NewAxis"] - masks["Ellipsis"]}
    shape: list[int] = []
    walked = 0
    for at in range(count):
        if at in new:
            shape.append(1)
            continue
        skipped = len(x.shape) - (count - len(new)) + 1 if at in masks["Ellipsis"] else 1
        if at in masks["Ellipsis"] or at not in masks["ShrinkAxis"]:
            shape += extents[walked : walked + skipped]
        walked += skipped
    return (*shape, *extents[walked:])


def _masked(source: Source, shape: tuple[int, ...]) -> StridedSlice:
    """The slice that begin, end, strides and the masks describe; axes that are new are left out."""
    given = [source.integers(index) for index in (1, 2, 3)]
    if len({len(values) for values in given}) != 1:
        raise ValueError(f"begin, end and strides differ in length: {given}")
    masks = {name: _mask(source, name) for name in ("Begin", "End", "Ellipsis", "NewAxis")}
    shrunk = _mask(source, "ShrinkAxis")
    count = len(given[0])
    new = {at for at in masks["NewAxis"] if at not in masks["Ellipsis"]}
    places = [at for at in range(count) if at not in new]
    ellipsis = [at for at in places if at in masks["Ellipsis"]]
    if len(ellipsis) > 1:
        raise ValueError("more than one ellipsis")
    missing = len(shape) - len(places) + len(ellipsis)
    if missing < 0:
        raise ValueError(f"{len(places)} axes of shape {shape}")
    axes: list[tuple[int | None, int | None, int]] = []
    for at in places:
        if at in ellipsis:
            axes += [(None, None, 1)] * missing
            continue
        begin, end, stride = (values[at] for values in given)
        if source.options.get("Offset", False):
            end += begin
        extent = shape[len(axes)]
        if at in shrunk:
            first = begin + extent if begin < 0 else begin
            axes.append((first, first + 1, 1))
            continue
        low = None if at in masks["Begin"] else begin
        high = None if at in masks["End"] else end
        whole = stride > 0 and low in (None, 0, -extent) and (high is None or high >= extent)
        axes.append((None, None, stride) if whole else (low, high, stride))
    axes += [(None, None, 1)] * (len(shape) - len(axes))
    begins, ends, strides = zip(*axes, strict=True) if axes else ((), (), ())
    return StridedSlice(begins, ends, strides)


def _mask(source: Source, name: str) -> set[int]:
    bits = int(source.options.get(f"{name}Mask", 0))
    return {at for at in range(32) if bits >> at & 1}


def reverse(source: Source) -> Single:
    """REVERSE_V2 along constant axes.

    Converters give its output a scale of its own, which LiteRT's kernel does not look at.
    """
    x = source.input(0)
    rank = len(x.shape)
    axes = {normal_axis(axis, rank) for axis in source.integers(1)}
    nothing = (None,) * rank
    strides = tuple(-1 if axis in axes else 1 for axis in range(rank))
    return StridedSlice(nothing, nothing, strides, as_stored=True), (x,)


def gather(source: Source) -> Single:
    """GATHER; shared leading axes as an option."""
    x, indices = source.input(0), source.input(1)
    _check_signs(indices)
    axis, shared = (int(source.options.get(name, 0)) for name in ("Axis", "BatchDims"))
    shared = shared + len(indices.shape) if shared < 0 else shared
    return Gather(axis, shared), (x, indices)


def gather_nd(source: Source) -> Single:
    """GATHER_ND."""
    x, indices = source.input(0), source.input(1)
    _check_signs(indices)
    return GatherND(), (x, indices)


def _check_signs(indices: Tensor) -> None:
    if indices.data is not None and (indices.data < 0).any():
        raise ValueError("an index is negative")


def tile(source: Source) -> Single:
    """TILE by constant multiples."""
    return Repeat(tuple(source.integers(1))), (source.input(0),)


def broadcast_to(source: Source) -> Single:
    """BROADCAST_TO a constant shape."""
    x, out = source.input(0), source.outputs[0]
    if tuple(source.integers(1)) != out.shape:
        raise ValueError(f"broadcasts to {source.integers(1)}, the file says {out.shape}")
    padded = (None,) * (len(out.shape) - len(x.shape)) + x.shape
    kept = (1 if n == e else n for n, e in zip(out.shape, padded, strict=False))
    return BroadcastTo(tuple(kept)), (x,)


def space_to_depth(source: Source) -> Single:
    """SPACE_TO_DEPTH."""
    return SpaceToDepth(source.positive("BlockSize", 0)), (source.input(0),)


def depth_to_space(source: Source) -> Single:
    """DEPTH_TO_SPACE."""
    return DepthToSpace(source.positive("BlockSize", 0)), (source.input(0),)


def mirror_pad(source: Source) -> Single:
    """MIRROR_PAD, without or with the edge itself."""
    modes = {0: "reflect", 1: "symmetric"}
    mode = int(source.options.get("Mode", 0))
    if mode not in modes:
        raise ValueError(f"mode {mode}")
    padding = tuple(source.pairs(1, len(source.input(0).shape)))
    return MirrorPad(padding, modes[mode]), (source.input(0),)  # type: ignore[arg-type]


def resize_nearest(source: Source) -> Single:
    """RESIZE_NEAREST_NEIGHBOR to a constant size."""
    x, rows, cols, corners, centers = resize_options(source)
    taken = (
        tuple(int(at) for at in nearest_tflite(before, after, corners, centers))
        for before, after in ((x.shape[1], rows), (x.shape[2], cols))
    )
    return ResizeNearest((None, *taken, None)), (x,)


def resize_bilinear(source: Source) -> Single:
    """RESIZE_BILINEAR to a constant size."""
    x, rows, cols, corners, centers = resize_options(source)
    out = source.outputs[0]
    if x.quantization is not None and not x.quantization.same_as(out.quantization):
        raise UnsupportedNodeError("TFLite resizes between equal scales only")
    mode = "half_pixel" if centers else "align_corners" if corners else "asymmetric"
    computed = source.input(1).name in source.computed
    return ResizeBilinear((rows, cols), mode, computed_size=computed), (x,)


def resize_options(source: Source) -> tuple[Tensor, int, int, bool, bool]:
    """The image, the new height and width, align_corners and half_pixel_centers."""
    x, size = source.input(0), source.integers(1)
    if len(x.shape) != 4 or len(size) != 2:
        raise ValueError(f"resizes shape {x.shape} to {size}")
    if source.outputs[0].shape[1:3] != tuple(size):
        raise ValueError(f"resizes to {size}, the file says {source.outputs[0].shape}")
    corners = bool(source.options.get("AlignCorners", False))
    centers = bool(source.options.get("HalfPixelCenters", False))
    if corners and centers:
        raise UnsupportedNodeError("align_corners and half_pixel_centers exclude each other")
    return x, size[0], size[1], corners, centers


def shape(source: Source) -> Known:
    """SHAPE: known, since all shapes are."""
    return Known((np.array(source.input(0).shape, source.outputs[0].format.dtype),))


def rank(source: Source) -> Known:
    """RANK likewise."""
    return Known((np.array(len(source.input(0).shape), source.outputs[0].format.dtype),))


def fill(source: Source) -> Known:
    """FILL of a constant shape with a constant value."""
    extents, value = source.integers(0), source.constant(1)
    if tuple(extents) != source.outputs[0].shape or value.size != 1:
        raise ValueError(f"fills {extents} with {value.size} values")
    _check_size(source)
    return Known((np.full(extents, value.reshape(-1)[0]),))


def range_(source: Source) -> Known:
    """RANGE with constant ends and step."""
    ends = [source.constant(index) for index in range(3)]
    count = source.outputs[0].size
    if any(end.size != 1 or not np.isfinite(end).all() for end in ends) or not ends[2].all():
        raise ValueError("needs one start, one end, and one step that is not 0")
    start, stop, step = (end.reshape(()).item() for end in ends)
    if count != max(0, -(-(stop - start) // step)):
        raise ValueError(f"does not have {count} elements")
    _check_size(source)
    return Known(((start + np.arange(count) * step).astype(ends[0].dtype),))


def _check_size(source: Source) -> None:
    """Refuse to make a constant that no file could hold."""
    if source.outputs[0].size > MAX_FOLDED:
        raise UnsupportedNodeError(f"makes a constant of {source.outputs[0].size} elements")


def _one(source: Source, index: int) -> int:
    values = source.integers(index)
    if len(values) != 1:
        raise ValueError(f"{len(values)} axes where one is expected")
    return values[0]


IMPORTS: Mapping[str, Import] = {
    "BATCH_TO_SPACE_ND": batches.batch_to_space,
    "BROADCAST_TO": broadcast_to,
    "DEPTH_TO_SPACE": depth_to_space,
    "FILL": fill,
    "GATHER": gather,
    "GATHER_ND": gather_nd,
    "MIRROR_PAD": mirror_pad,
    "PACK": pack,
    "RANGE": range_,
    "RANK": rank,
    "RESIZE_BILINEAR": resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
    "REVERSE_V2": reverse,
    "SHAPE": shape,
    "SLICE": slice_,
    "SPACE_TO_BATCH_ND": batches.space_to_batch,
    "SPACE_TO_DEPTH": space_to_depth,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "STRIDED_SLICE": strided_slice,
    "TILE": tile,
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
"""Those that move values."""

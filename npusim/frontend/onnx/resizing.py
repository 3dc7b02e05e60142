"""Resize and its forerunner Upsample: nearest element, or linear along the two axes of an image.

All others are products with matrices; see `resize_products.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.resize_products import CROP, Axis, regions, resize_by_products
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.windows.resize_bilinear import ResizeBilinear
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32
from npusim.numerics.resize import COORDINATES, NEAREST_MODES, check_extent, nearest_onnx


@dataclass(frozen=True)
class _Target:
    """The new extents, and the scale of each axis as ONNX Runtime uses it."""

    shape: tuple[int, ...]
    scales: tuple[np.float32, ...]


def resize(ctx: Context, source: Source) -> None:
    """Resize (since opset 10) and Upsample; scales and sizes must be constants."""
    x = ctx.activation(source, 0)
    target = _target(ctx, source, x)
    mode = source.text("mode", "nearest")
    if mode not in ("nearest", "linear", "cubic"):
        raise DamagedNodeError(f"mode is '{mode}'")
    crops = source.text("coordinate_transformation_mode", "half_pixel") == CROP
    if mode != "cubic" and source.integer("exclude_outside", 0):
        raise UnsupportedNodeError("'exclude_outside' is for cubic resizes only")
    if mode == "nearest" and source.integer("antialias", 0):
        raise UnsupportedNodeError("'antialias' is not for nearest elements")
    if target.shape == x.shape and not crops:
        ctx.emit(source, Reshape(x.shape), [x])
    elif mode == "nearest":
        _nearest(ctx, source, x, target)
    elif mode == "cubic" or crops or source.integer("antialias", 0):
        _by_products(ctx, source, x, target, crops)
    else:
        _linear(ctx, source, x, target)


def _by_products(ctx: Context, source: Source, x: Tensor, target: _Target, crops: bool) -> None:
    known = {}
    if crops:
        rank = len(x.shape)
        named = tuple(axis % rank for axis in source.integers("axes", tuple(range(rank))))
        known = regions(ctx.constant(source, 1), named)
    axes = [
        Axis(at, before, after, scale, known.get(at))
        for at, (before, after, scale) in enumerate(
            zip(x.shape, target.shape, target.scales, strict=True)
        )
    ]
    resize_by_products(ctx, source, x, axes, CROP if crops else _coordinates(source))


def _linear(ctx: Context, source: Source, x: Tensor, target: _Target) -> None:
    if len(x.shape) != 4 or target.scales[0] != 1 or target.scales[1] != 1:
        if x.format == FP32:
            _by_products(ctx, source, x, target, False)
            return
        what = f"of shape {list(x.shape)} to {list(target.shape)}"
        raise UnsupportedNodeError(f"a linear resize {what} is not one of images [B, C, H, W]")
    size = target.shape[2], target.shape[3]
    scales = float(target.scales[2]), float(target.scales[3])
    op = ResizeBilinear(size, _coordinates(source), scales, x.format.is_integer, 1)
    ctx.emit(source, op, [x])


def _nearest(ctx: Context, source: Source, x: Tensor, target: _Target) -> None:
    nearest = "simple"
    if source.opset >= 11:
        nearest = source.text("nearest_mode", "round_prefer_floor")
    if nearest not in NEAREST_MODES:
        raise DamagedNodeError(f"nearest_mode is '{nearest}'")
    coordinates = _coordinates(source)
    sources: list[tuple[int, ...] | None] = []
    for before, after, scale in zip(x.shape, target.shape, target.scales, strict=True):
        if scale == 1 and before == after:
            sources.append(None)
            continue
        found = nearest_onnx(before, after, scale, coordinates, nearest)
        sources.append(tuple(int(at) for at in found))
    ctx.emit(source, ResizeNearest(tuple(sources)), [x])


def _coordinates(source: Source) -> str:
    """The coordinate transformation mode; before opset 11 there was one only."""
    if source.opset < 11:
        return "asymmetric"
    mode = source.text("coordinate_transformation_mode", "half_pixel")
    if mode not in COORDINATES:
        raise UnsupportedNodeError(f"coordinate_transformation_mode '{mode}' is not supported")
    return mode


def _target(ctx: Context, source: Source, x: Tensor) -> _Target:
    """From scales or sizes, for all axes or those that `axes` names."""
    rank = len(x.shape)
    axes = tuple(source.integers("axes", tuple(range(rank))))
    if any(not -rank <= axis < rank for axis in axes):
        raise DamagedNodeError(f"axes {list(axes)} are outside rank {rank}")
    scales, sizes = _given(ctx, source)
    given = sizes if scales is None else scales
    if given is None or given.size != len(axes):
        raise DamagedNodeError(f"needs a scale or a size for each of {len(axes)} axes")
    common = _common_scale(source, given, [x.shape[axis] for axis in axes], scales is None)
    shape, factors = list(x.shape), [np.float32(1)] * rank
    for axis, value in zip(axes, given.reshape(-1), strict=True):
        extent = x.shape[axis]
        if scales is not None:
            factors[axis] = np.float32(value)
            if not 0 < factors[axis] < np.float32(np.inf):
                raise DamagedNodeError(f"has a scale of {value}")
            check_extent(int(float(factors[axis]) * extent))
            shape[axis] = int(factors[axis] * np.float32(extent))
        elif common is not None:
            factors[axis] = common
            check_extent(int(float(common) * extent))
            shape[axis] = int(np.floor(common * np.float32(extent) + np.float32(0.5)))
        else:
            shape[axis] = int(value)
            factors[axis] = np.float32(shape[axis]) / np.float32(extent)
    if min(shape, default=1) < 1:
        raise DamagedNodeError(f"gives shape {shape}")
    return _Target(tuple(shape), tuple(factors))


def _common_scale(
    source: Source, sizes: np.ndarray, extents: list[int], has_sizes: bool
) -> np.float32 | None:
    """The scale of all axes where their ratio is kept: the smallest or the largest one needed."""
    policy = source.text("keep_aspect_ratio_policy", "stretch")
    if policy not in ("stretch", "not_larger", "not_smaller"):
        raise DamagedNodeError(f"keep_aspect_ratio_policy is '{policy}'")
    if policy == "stretch" or not has_sizes:
        return None
    needed = sizes.reshape(-1).astype(np.float32) / np.array(extents, np.float32)
    scale = np.float32(needed.min() if policy == "not_larger" else needed.max())
    if not 0 < scale < np.float32(np.inf):
        raise DamagedNodeError(f"has sizes {sizes.reshape(-1).tolist()}")
    return scale


def _given(ctx: Context, source: Source) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The scales, or else the sizes."""
    if source.op_type == "Upsample" and source.opset < 9:
        scales = source.attributes.get("scales", ())
        return np.array(scales, np.float32), None
    if source.opset < 11:
        return ctx.required_constant(source, 1), None
    scales, sizes = ctx.constant(source, 2), ctx.constant(source, 3)
    return (scales, None) if scales is not None and scales.size else (None, sizes)


OPERATORS: dict[str, Callable[[Context, Source], None]] = {"Resize": resize, "Upsample": resize}
"""Those that resize."""

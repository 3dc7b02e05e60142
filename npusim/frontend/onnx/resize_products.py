"""Resizes that no resize unit has, as products with constant matrices, one along each axis.

Cubic ones, filtered ones (antialias), those of a region (`tf_crop_and_resize`), and linear ones of
tensors that are no images. Float32 only; what a region leaves empty becomes a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.folding import MAX_FOLDED
from npusim.frontend.onnx.source import Source
from npusim.ir.operator import Operator
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.pairs.select import Select
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32
from npusim.numerics.resize import coordinates_onnx
from npusim.numerics.resize_matrix import Interpolation, cropped_places, resize_matrix

CROP = "tf_crop_and_resize"


@dataclass(frozen=True)
class Axis:
    """An axis to resize: its place, extents, scale, and the region that fills the output."""

    at: int
    before: int
    after: int
    scale: np.float32
    region: tuple[float, float] | None = None

    @property
    def stays(self) -> bool:
        """True if nothing happens along it."""
        same = self.before == self.after and self.scale == 1
        return same and self.region in (None, (0.0, 1.0))

    def places(self, mode: str) -> np.ndarray:
        """Where the output elements lie in the input, [after]."""
        if self.region is not None:
            return cropped_places(self.before, self.after, self.region)
        return coordinates_onnx(self.before, self.after, self.scale, mode)


def resize_by_products(
    ctx: Context, source: Source, x: Tensor, axes: list[Axis], mode: str
) -> None:
    """`x` with each of `axes` resized; `mode` says how coordinates are transformed."""
    if x.format != FP32:
        raise UnsupportedNodeError(f"such a resize of {x.format.name} is not supported")
    how = Interpolation(
        source.text("mode", "nearest"), source.real("cubic_coeff_a", -0.75),
        bool(source.integer("antialias", 0)), bool(source.integer("exclude_outside", 0)),
    )  # fmt: skip
    resized, outside = x, np.zeros((1,) * len(x.shape), bool)
    for axis in axes:
        if axis.stays:
            continue
        places = axis.places(mode)
        if axis.region is not None:
            along = [1] * len(x.shape)
            along[axis.at] = -1
            empty = (places < 0) | (places > axis.before - 1)
            outside = outside | empty.reshape(along)
            places = np.clip(places, 0, axis.before - 1)
        if axis.before * axis.after > MAX_FOLDED:
            what = f"such a resize of {axis.before} elements to {axis.after} is too large"
            raise UnsupportedNodeError(what)
        matrix = resize_matrix(axis.before, places, float(axis.scale), how)
        resized = _along(ctx, source, resized, axis.at, matrix)
    _give_out(ctx, source, resized, outside)


def _along(ctx: Context, source: Source, x: Tensor, at: int, matrix: np.ndarray) -> Tensor:
    """`x` times the matrix [after, before] along axis `at`."""
    rank = len(x.shape)
    name = f"{source.outputs[0]}_axis{at}"
    order = (*(axis for axis in range(rank) if axis != at), at)
    last = x if at == rank - 1 else _step(ctx, f"{name}_last", Transpose(order), [x])
    weights = ctx.add_constant(f"{name}_matrix", matrix)
    product = _step(ctx, name, FullyConnected(keep_num_dims=True), [last, weights, None])
    if at == rank - 1:
        return product
    back = tuple(int(axis) for axis in np.argsort(order))
    return _step(ctx, f"{name}_back", Transpose(back), [product])


def _give_out(ctx: Context, source: Source, resized: Tensor, outside: np.ndarray) -> None:
    """The output: `resized`, and where `outside` says so the value for what is no input."""
    name, shape = source.outputs[0], resized.shape
    if not outside.any():
        ctx.add_node(source.name, Reshape(shape), [resized], name, shape, FP32, None)
        return
    value = np.array(source.real("extrapolation_value", 0.0), np.float32)
    empty = ctx.add_constant(f"{name}_empty", value)
    where = ctx.add_constant(f"{name}_outside", np.broadcast_to(outside, shape))
    ctx.add_node(source.name, Select(), [empty, resized, where], name, shape, FP32, None)


def _step(ctx: Context, name: str, op: Operator, inputs: list[Tensor | None]) -> Tensor:
    (shape,) = ctx.shapes_of(op, inputs)
    return ctx.add_node(name, op, inputs, name, shape, FP32, None)


def regions(given: np.ndarray | None, axes: tuple[int, ...]) -> dict[int, tuple[float, float]]:
    """The region of each axis: all beginnings, then all ends, of the axes in their order."""
    if given is None or given.size != 2 * len(axes):
        raise DamagedNodeError(f"needs a region with a beginning and an end of {len(axes)} axes")
    flat = [float(value) for value in given.reshape(-1)]
    return {axis: (flat[i], flat[len(axes) + i]) for i, axis in enumerate(axes)}

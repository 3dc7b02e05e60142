"""Operators that move values. The result has the scale of what is moved, so that Q/DQ is exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npusim.frontend.onnx_writer.products import Handler, is_turned
from npusim.frontend.onnx_writer.results import finish
from npusim.frontend.onnx_writer.values import FIRST, TYPES, UnwritableError, Values, require_reals
from npusim.ir.graph import Node
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.gather import Gather
from npusim.ir.ops.movements.mirror_pad import MirrorPad
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT64

LOWEST, HIGHEST = -(2**63), 2**63 - 1
"""Bounds of a slice that stand for the ends of an axis."""


def _require_same_scale(values: Values, node: Node) -> None:
    x, out = values.tensor(node.inputs[0]), values.tensor(node.outputs[0])
    same = out.quantization is None if x.quantization is None else False
    if x.quantization is not None:
        same = x.quantization.same_as(out.quantization)
    if x.format != out.format or not same:
        raise UnwritableError(f"'{out.name}' is moved from another scale: that is not written")


def _moved(
    values: Values, node: Node, operator: str, constants: Mapping[str, Any], first: bool = False,
    **attributes: Any,
) -> None:  # fmt: skip
    """`operator` with integer constants behind the data."""
    _require_same_scale(values, node)
    name = node.outputs[0]
    inputs = [values.real_value(node.inputs[0], first)]
    for role, given in constants.items():
        inputs.append(values.constant(f"{name}_{role}", np.array(given, np.int64)))
    finish(values, name, operator, inputs, first=first, **attributes)


def _reshape(values: Values, node: Node) -> None:
    shape = values.tensor(node.outputs[0]).shape
    _moved(values, node, "Reshape", {"shape": shape})


def _transpose(values: Values, node: Node) -> None:
    order = [*getattr(node.op, "perm")]  # noqa: B009
    if order:
        _moved(values, node, "Transpose", {}, perm=order)
    else:
        _moved(values, node, "Identity", {})


def _broadcast_to(values: Values, node: Node) -> None:
    _moved(values, node, "Expand", {"shape": values.tensor(node.outputs[0]).shape})


def _tile(values: Values, node: Node) -> None:
    x, out = values.tensor(node.inputs[0]), values.tensor(node.outputs[0])
    repeats = [after // before for before, after in zip(x.shape, out.shape, strict=True)]
    _moved(values, node, "Tile", {"repeats": repeats})


def _slice(values: Values, node: Node) -> None:
    op = node.op
    assert isinstance(op, StridedSlice)
    starts, ends = [], []
    for begin, end, stride in zip(op.begin, op.end, op.strides, strict=True):
        starts.append((0 if stride > 0 else HIGHEST) if begin is None else begin)
        ends.append((HIGHEST if stride > 0 else LOWEST) if end is None else end)
    axes = range(len(starts))
    _moved(
        values, node, "Slice",
        {"starts": starts, "ends": ends, "axes": [*axes], "steps": op.strides},
    )  # fmt: skip


def _concat(values: Values, node: Node) -> None:
    op = node.op
    assert isinstance(op, Concat)
    rank = len(values.tensor(node.outputs[0]).shape)
    first = rank == 4 and all(values.has_first(name) for name in node.inputs)
    axis = FIRST.index(op.axis % rank) if first else op.axis % rank
    inputs = [values.real_value(name, first) for name in node.inputs]
    finish(values, node.outputs[0], "Concat", inputs, first=first, axis=axis)


def _pad(values: Values, node: Node) -> None:
    """Pad with a value: the real one that is stored."""
    op, x = node.op, values.tensor(node.inputs[0])
    assert isinstance(op, Pad)
    first = len(x.shape) == 4 and values.has_first(x.name)
    name = node.outputs[0]
    value = _padding_value(values, op, x, f"{name}_value")
    _require_same_scale(values, node)
    inputs = [
        values.real_value(x.name, first),
        values.constant(f"{name}_pads", _amounts(op.padding, first)),
        value,
    ]
    finish(values, name, "Pad", inputs, first=first)


def _mirror_pad(values: Values, node: Node) -> None:
    op = node.op
    assert isinstance(op, MirrorPad)
    if op.mode == "symmetric":
        raise UnwritableError("padding that repeats the edge and mirrors is not written")
    _moved(values, node, "Pad", {"pads": _amounts(op.padding, False)}, mode=op.mode)


def _padding_value(values: Values, op: Pad, x: Tensor, wish: str) -> str:
    """The constant around `x`: a number as it is, or the real value of a stored one."""
    if x.quantization is None:
        if x.format.is_integer:
            return values.constant(wish, np.array(op.value or 0, x.format.dtype))
        return values.real_constant(wish, op.value or 0.0, x.format)
    if op.value is None:
        return values.real_constant(wish, 0.0, FP32)
    if x.format.holds_codes:
        raise UnwritableError(f"padding with a stored {x.format.name} is not written")
    steps = np.float32(int(op.value) - x.quantization.scalar_zero_point)
    return values.real_constant(wish, float(steps * x.quantization.scalar_scale), FP32)


def _amounts(padding: tuple[tuple[int, int], ...], first: bool) -> np.ndarray:
    pairs = [padding[axis] for axis in FIRST] if first else [*padding]
    return np.array([before for before, _ in pairs] + [after for _, after in pairs], np.int64)


def _gather(values: Values, node: Node) -> None:
    op = node.op
    assert isinstance(op, Gather)
    if op.batch_axes:
        raise UnwritableError("a gather that shares axes with its indices is not written")
    _with_indices("Gather", axis=op.axis)(values, node)


def _gather_elements(values: Values, node: Node) -> None:
    _with_indices("GatherElements", axis=getattr(node.op, "axis"))(values, node)  # noqa: B009


def _gather_nd(values: Values, node: Node) -> None:
    """GatherND, whose indices are int64."""
    _require_same_scale(values, node)
    indices = values.stored_value(node.inputs[1])
    if values.tensor(node.inputs[1]).format != INT64:
        wide = values.fresh(f"{indices}_int64")
        indices = values.emit("Cast", [indices], wide, to=TYPES[INT64.name])
    shared = getattr(node.op, "batch_axes")  # noqa: B009
    inputs = [values.real_value(node.inputs[0]), indices]
    finish(values, node.outputs[0], "GatherND", inputs, batch_dims=shared)


def _with_indices(operator: str, **attributes: Any) -> Handler:
    def write(values: Values, node: Node) -> None:
        _require_same_scale(values, node)
        inputs = [values.real_value(node.inputs[0]), values.stored_value(node.inputs[1])]
        finish(values, node.outputs[0], operator, inputs, **attributes)

    return write


def _blocks(values: Values, node: Node) -> None:
    """DepthToSpace and SpaceToDepth."""
    op, x = node.op, values.tensor(node.inputs[0])
    require_reals(x, "blocks")
    to_space = op.kind == "depth_to_space"
    innermost = getattr(op, "blocks_innermost")  # noqa: B009
    if innermost and not to_space:
        raise UnwritableError("space to depth with blocks innermost is not written")
    more: dict[str, Any] = {"mode": "CRD" if innermost else "DCR"} if to_space else {}
    operator = "DepthToSpace" if to_space else "SpaceToDepth"
    size = getattr(op, "block")  # noqa: B009
    _moved(values, node, operator, {}, is_turned(op, x), blocksize=size, **more)


def _resize_nearest(values: Values, node: Node) -> None:
    """Resize where each element is repeated as often as its neighbours; else a Gather an axis."""
    op, (name, out) = node.op, (node.inputs[0], node.outputs[0])
    assert isinstance(op, ResizeNearest)
    _require_same_scale(values, node)
    x = values.tensor(name)
    first = len(x.shape) == 4 and values.has_first(name)
    sources = [op.sources[axis] for axis in FIRST] if first else [*op.sources]
    shape = [x.shape[axis] for axis in FIRST] if first else [*x.shape]
    factors = [
        1 if s is None else len(s) // extent for s, extent in zip(sources, shape, strict=True)
    ]
    repeated = ResizeNearest.repeated(shape, factors).sources
    value = values.real_value(name, first)
    if all(s is None or s == r for s, r in zip(sources, repeated, strict=True)):
        scales = values.constant(f"{out}_scales", np.array(factors, np.float32))
        finish(
            values, out, "Resize", [value, "", scales], first=first, mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        return
    axes = [axis for axis, taken in enumerate(sources) if taken is not None]
    for axis in axes[:-1]:
        rows = values.constant(f"{out}_rows", np.array(sources[axis], np.int64))
        value = values.emit("Gather", [value, rows], values.fresh(f"{out}_part"), axis=axis)
    rows = values.constant(f"{out}_rows", np.array(sources[axes[-1]], np.int64))
    finish(values, out, "Gather", [value, rows], first=first, axis=axes[-1])


OPERATORS: Mapping[str, Handler] = {
    "broadcast_to": _broadcast_to,
    "concat": _concat,
    "depth_to_space": _blocks,
    "gather": _gather,
    "gather_elements": _gather_elements,
    "gather_nd": _gather_nd,
    "mirror_pad": _mirror_pad,
    "pad": _pad,
    "reshape": _reshape,
    "resize_nearest": _resize_nearest,
    "space_to_depth": _blocks,
    "strided_slice": _slice,
    "tile": _tile,
    "transpose": _transpose,
}

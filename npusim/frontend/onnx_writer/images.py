"""Operators on images and along axes: pooling, resizing, reductions, softmax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npusim.frontend.onnx_writer.products import Handler, is_turned
from npusim.frontend.onnx_writer.results import finish
from npusim.frontend.onnx_writer.values import FIRST, UnwritableError, Values, require_reals
from npusim.ir.graph import Node
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.reduction import Reduction
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.pooling import Pooling
from npusim.ir.ops.windows.resize_bilinear import ResizeBilinear


def _pool(values: Values, node: Node) -> None:
    """MaxPool, AveragePool."""
    op, x = node.op, values.tensor(node.inputs[0])
    assert isinstance(op, Pooling)
    turned = is_turned(op, x)
    top, left, bottom, right = op.window.padding
    lists: dict[str, Any] = {
        "kernel_shape": [*op.window.size],
        "strides": [*op.window.stride],
        "dilations": [*op.window.dilation],
    }
    pads = [top, left, bottom, right]
    if len(x.shape) == 3:
        lists, pads = {name: given[1:] for name, given in lists.items()}, [left, right]
    more: dict[str, Any] = {}
    if isinstance(op, AveragePool):
        del lists["dilations"]  # all 1; ONNX Runtime's integer kernel takes no such attribute
        more["count_include_pad"] = int(op.count_include_pad)
    operator = "AveragePool" if isinstance(op, AveragePool) else "MaxPool"
    value = values.real_value(node.inputs[0], turned)
    finish(
        values, node.outputs[0], operator, [value], first=turned, activation=op.activation,
        pads=pads, **lists, **more,
    )  # fmt: skip


def _resize_bilinear(values: Values, node: Node) -> None:
    """Resize, linear along the two axes of the image."""
    op, (name, out) = node.op, (node.inputs[0], node.outputs[0])
    assert isinstance(op, ResizeBilinear)
    turned = is_turned(op, values.tensor(name))
    before, after = (
        [shape[axis] for axis in FIRST] if turned else [*shape]
        for shape in (values.tensor(name).shape, values.tensor(out).shape)
    )
    ratios = np.array(after, np.float32) / np.array(before, np.float32)
    scales = ratios if op.scales is None else np.array([1, 1, *op.scales], np.float32)
    if np.array_equal(scales, ratios):
        given = ["", "", values.constant(f"{out}_sizes", np.array(after, np.int64))]
    elif np.array_equal(np.floor(scales * np.array(before, np.float32)), after):
        given = ["", values.constant(f"{out}_scales", scales)]
    else:
        raise UnwritableError(f"a resize to {op.size} by scales of {op.scales} is not written")
    settings: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": op.mode}
    if not op.stored:
        value = values.real_value(name, turned)
        finish(values, out, "Resize", [value, *given], first=turned, **settings)
        return
    stored = values.stored_value(name, turned)
    target = values.name_of(out, turned)
    values.stored[out, turned] = values.emit("Resize", [stored, *given], target, **settings)


def _mean(values: Values, node: Node) -> None:
    """GlobalAveragePool where the model has one, else ReduceMean."""
    op, (name, out) = node.op, (node.inputs[0], node.outputs[0])
    assert isinstance(op, Mean)
    if not op.global_pool:
        _reduction("ReduceMean")(values, node)
        return
    rank = len(values.tensor(name).shape)
    axes = sorted(axis % rank for axis in op.axes)
    turned = rank == 4 and axes == [1, 2]
    if not turned and axes != list(range(2, rank)):
        raise UnwritableError(f"a global pooling along axes {axes} is not written")
    inputs = [values.real_value(name, turned)]
    if op.keep_dims:
        finish(values, out, "GlobalAveragePool", inputs, first=turned)
        return
    pooled = values.emit("GlobalAveragePool", inputs, values.fresh(f"{out}_float"))
    if values.tensor(out).quantization is not None:
        pooled = values.quantized(pooled, out, values.fresh(f"{out}_pixel"))
    shape = values.constant(f"{out}_shape", np.array(values.tensor(out).shape, np.int64))
    values.stored[out, False] = values.emit("Reshape", [pooled, shape], values.name_of(out, False))


def _reduction(operator: str) -> Handler:
    """A reduction; its axes are a constant input."""

    def write(values: Values, node: Node) -> None:
        op, name = node.op, node.outputs[0]
        assert isinstance(op, Reduction)
        require_reals(values.tensor(node.inputs[0]), "reductions")
        rank = len(values.tensor(node.inputs[0]).shape)
        axes = sorted(axis % rank for axis in op.axes)
        if not axes:
            raise UnwritableError("a reduction along no axis is not written")
        first = rank == 4 and values.has_first(node.inputs[0])
        if first:
            axes = sorted(FIRST.index(axis) for axis in axes)
        result_first = first and op.keep_dims
        if first and not op.keep_dims and 0 not in axes and axes != [2, 3]:
            first, result_first = False, False
            axes = sorted(axis % rank for axis in op.axes)
        inputs = [
            values.real_value(node.inputs[0], first),
            values.constant(f"{name}_axes", np.array(axes, np.int64)),
        ]
        finish(values, name, operator, inputs, first=result_first, keepdims=int(op.keep_dims))

    return write


def _place(operator: str) -> Handler:
    """ArgMax, ArgMin: the place of an element, whatever its scale."""

    def write(values: Values, node: Node) -> None:
        op, x = node.op, values.tensor(node.inputs[0])
        assert isinstance(op, Reduction)
        if len(op.axes) != 1 or values.tensor(node.outputs[0]).format.name != "int64":
            raise UnwritableError("places along several axes, or as int32, are not written")
        value = values.stored_value(x.name)
        values.stored[node.outputs[0], False] = values.emit(
            operator, [value], node.outputs[0], axis=op.axes[0], keepdims=int(op.keep_dims),
            select_last_index=int(getattr(op, "last", False)),
        )  # fmt: skip

    return write


def _softmax(operator: str) -> Handler:
    """Softmax, LogSoftmax."""

    def write(values: Values, node: Node) -> None:
        op = node.op
        if isinstance(op, Softmax) and op.beta != 1.0:
            raise UnwritableError(f"a softmax with beta = {op.beta:g} is not written")
        value = values.real_value(node.inputs[0])
        finish(values, node.outputs[0], operator, [value], axis=getattr(op, "axis"))  # noqa: B009

    return write


def _unit_length(values: Values, node: Node) -> None:
    """LpNormalization."""
    op = node.op
    assert isinstance(op, L2Normalization)
    value = values.real_value(node.inputs[0])
    finish(values, node.outputs[0], "LpNormalization", [value], axis=op.axis, p=op.order)


OPERATORS: Mapping[str, Handler] = {
    "arg_max": _place("ArgMax"),
    "arg_min": _place("ArgMin"),
    "average_pool": _pool,
    "l2_normalization": _unit_length,
    "log_softmax": _softmax("LogSoftmax"),
    "max_pool": _pool,
    "mean": _mean,
    "reduce_l1": _reduction("ReduceL1"),
    "reduce_l2": _reduction("ReduceL2"),
    "reduce_max": _reduction("ReduceMax"),
    "reduce_min": _reduction("ReduceMin"),
    "reduce_prod": _reduction("ReduceProd"),
    "reduce_sum_square": _reduction("ReduceSumSquare"),
    "resize_bilinear": _resize_bilinear,
    "softmax": _softmax("Softmax"),
    "sum": _reduction("ReduceSum"),
}

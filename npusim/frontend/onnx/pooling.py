"""Pooling over windows, over the whole image, and over named axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.products import before
from npusim.frontend.onnx.quantization import per_tensor
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.windows import read_window
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.elements.abs import Abs
from npusim.ir.ops.elements.sqrt import Sqrt
from npusim.ir.ops.elements.square import Square
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.pow import Pow
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, Format
from npusim.numerics.quantization import Quantization

LISTS = ("kernel_shape", "strides", "dilations", "pads")
"""Attributes with a value, or two, for each spatial axis."""


def max_pool(ctx: Context, source: Source) -> None:
    """MaxPool, on reals or on stored integers."""
    if len(source.outputs) > 1 and source.outputs[1]:
        raise UnsupportedNodeError("the indices of the maxima are not supported")
    _pool(ctx, source, ctx.activation(source, 0), _maximum)


def average_pool(ctx: Context, source: Source) -> None:
    """AveragePool."""
    _pool(ctx, source, ctx.activation(source, 0), _average)


def lp_pool(ctx: Context, source: Source) -> None:
    """LpPool: the p-norm of each window, a depthwise sum between two functions of one element."""
    x = ctx.activation(source, 0)
    order = source.integer("p", 2)
    if x.format != FP32 or order < 1:
        raise UnsupportedNodeError(f"a norm of order {order} of {x.format.name} is not supported")
    window = read_window(source, x.shape, source.integers("kernel_shape"), overhangs=True)
    name = source.outputs[0]
    powers = before(ctx, source, Square() if order == 2 else Abs(), [x], "powers")
    if order > 2:
        exponent = ctx.add_constant(f"{name}_order", np.array(order, np.float32))
        powers = before(ctx, source, Pow(), [powers, exponent], "raised")
    taps = np.ones((x.shape[1], *window.size, 1), np.float32)
    ones = ctx.add_constant(f"{name}_ones", taps)
    op = Conv2D(window.stride, window.dilation, window.padding, x.shape[1], channel_axis=1)
    if order == 1:
        ctx.emit(source, op, [powers, ones, None])
        return
    sums = before(ctx, source, op, [powers, ones, None], "sums")
    if order == 2:
        ctx.emit(source, Sqrt(), [sums])
        return
    root = ctx.add_constant(f"{name}_root", np.array(1 / order, np.float32))
    ctx.emit(source, Pow(), [sums, root])


def qlinear_average_pool(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearAveragePool."""
    _check_channels_first(source)
    quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), quantization)
    y_quantization, fmt = per_tensor(ctx, source, 3, 4)
    _pool(ctx, source, x, _average, fmt, y_quantization)


def global_average_pool(ctx: Context, source: Source) -> None:
    """GlobalAveragePool: the mean over all pixels."""
    x = ctx.activation(source, 0)
    ctx.emit(source, _global(x), [x])


def qlinear_global_average_pool(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearGlobalAveragePool."""
    _check_channels_first(source)
    quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), quantization)
    y_quantization, fmt = per_tensor(ctx, source, 3, 4)
    ctx.emit(source, _global(x), [x], fmt, y_quantization)


def global_max_pool(ctx: Context, source: Source) -> None:
    """GlobalMaxPool: a window as large as the image."""
    x = ctx.activation(source, 0)
    if len(x.shape) not in (3, 4):
        raise UnsupportedNodeError(f"{len(x.shape) - 2}-D pooling is not supported")
    rows, cols = (1, *x.shape[2:])[-2:]
    ctx.emit(source, MaxPool(Window((rows, cols)), channel_axis=1), [x])


def _pool(
    ctx: Context, source: Source, x: Tensor, make: Callable[[Source, Tensor], Operator],
    fmt: Format | None = None, quantization: Quantization | None = None,
) -> None:  # fmt: skip
    """A pooling; a 3-D one that leaves two neighbouring axes alone, as a 2-D one of both as one."""
    at = _idle_pair(source, x.shape)
    if at is None:
        ctx.emit(source, make(source, x), [x], fmt, quantization)
        return
    _, _, *extents = x.shape
    joined = (*extents[:at], extents[at] * extents[at + 1], *extents[at + 2 :])
    rows = before(ctx, source, Reshape((*x.shape[:2], *joined)), [x], "rows")
    lists = {name: _without(source.integers(name), at) for name in LISTS}
    attributes = {**source.attributes, **{name: given for name, given in lists.items() if given}}
    pooled = before(
        ctx, source, make(replace(source, attributes=attributes), rows), [rows], "pooled"
    )
    if fmt is not None:
        pooled = ctx.tensors[pooled.name] = replace(pooled, format=fmt, quantization=quantization)
    shape = list(pooled.shape)
    shape[2 + at : 3 + at] = extents[at : at + 2]
    ctx.emit(source, Reshape(tuple(shape)), [pooled])


def _idle_pair(source: Source, shape: tuple[int, ...]) -> int | None:
    """The first of two neighbouring spatial axes of three with one tap, one step and no padding."""
    pads = source.integers("pads") or (0,) * 6
    taps = source.integers("kernel_shape")
    strides = source.integers("strides") or (1,) * 3
    if len(shape) != 5 or len(taps) != 3 or len(strides) != 3 or len(pads) != 6:
        return None
    idle = [taps[at] == strides[at] == 1 and not pads[at] and not pads[3 + at] for at in range(3)]
    return next((at for at in (1, 0) if idle[at] and idle[at + 1]), None)


def _without(values: tuple[int, ...], at: int) -> tuple[int, ...]:
    """A list attribute of three axes, or of both ends of three axes, without axis `at`."""
    return tuple(value for index, value in enumerate(values) if index % 3 != at)


def _maximum(source: Source, x: Tensor) -> MaxPool:
    window = read_window(source, x.shape, source.integers("kernel_shape"), overhangs=True)
    return MaxPool(window, channel_axis=1)


def _average(source: Source, x: Tensor) -> AveragePool:
    include = bool(source.integer("count_include_pad", 0))
    taps = source.integers("kernel_shape")
    window = read_window(source, x.shape, taps, overhangs=not include)
    return AveragePool(window, count_include_pad=include, channel_axis=1)


def _global(x: Tensor) -> Mean:
    if len(x.shape) < 3:
        raise DamagedNodeError(f"pools a tensor of shape {list(x.shape)}")
    return Mean(tuple(range(2, len(x.shape))), keep_dims=True, global_pool=True)


def _check_channels_first(source: Source) -> None:
    if source.integer("channels_last", 0):
        raise UnsupportedNodeError("channels_last = 1 is not supported")

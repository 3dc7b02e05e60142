"""Pooling over windows, over the whole image, and over named axes."""

from __future__ import annotations

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.windows import read_window
from npusim.ir.ops.average_pool import AveragePool
from npusim.ir.ops.max_pool import MaxPool
from npusim.ir.ops.mean import Mean
from npusim.ir.ops.window import Window
from npusim.ir.tensor import Tensor


def max_pool(ctx: Context, source: Source) -> None:
    """MaxPool, on reals or on stored integers."""
    if len(source.outputs) > 1 and source.outputs[1]:
        raise UnsupportedNodeError("the indices of the maxima are not supported")
    x = ctx.activation(source, 0)
    window = read_window(source, x.shape, source.integers("kernel_shape"), overhangs=True)
    ctx.emit(source, MaxPool(window, channel_axis=1), [x])


def average_pool(ctx: Context, source: Source) -> None:
    """AveragePool."""
    x = ctx.activation(source, 0)
    ctx.emit(source, _average(source, x), [x])


def qlinear_average_pool(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearAveragePool."""
    _check_channels_first(source)
    quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), quantization)
    y_quantization, fmt = per_tensor(ctx, source, 3, 4)
    ctx.emit(source, _average(source, x), [x], fmt, y_quantization)


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


def _average(source: Source, x: Tensor) -> AveragePool:
    include = bool(source.integer("count_include_pad", 0))
    taps = source.integers("kernel_shape")
    window = read_window(source, x.shape, taps, overhangs=not include)
    if window.dilation != (1, 1):
        raise UnsupportedNodeError("a dilated average pooling is not supported")
    return AveragePool(window, count_include_pad=include, channel_axis=1)


def _global(x: Tensor) -> Mean:
    if len(x.shape) < 3:
        raise DamagedNodeError(f"pools a tensor of shape {list(x.shape)}")
    return Mean(tuple(range(2, len(x.shape))), keep_dims=True, global_pool=True)


def _check_channels_first(source: Source) -> None:
    if source.integer("channels_last", 0):
        raise UnsupportedNodeError("channels_last = 1 is not supported")

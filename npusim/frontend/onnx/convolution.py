"""Conv and QLinearConv."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor, read_quantization
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.windows import read_window
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.tensor import Tensor


def conv(ctx: Context, source: Source) -> None:
    """Conv: weights and bias are constants, dequantized ones in a quantized graph."""
    x = ctx.activation(source, 0)
    weights = ctx.weights(source, 1, filters, 0)
    ctx.emit(source, operator_of(source, x, weights), [x, weights, ctx.bias(source, 2)])


def qlinear_conv(ctx: Context, source: Source) -> None:
    """QLinearConv: the same on stored integers, scales beside them.

    That of com.microsoft may have the channels of its images last; weights stay as they are.
    """
    last = bool(source.integer("channels_last", 0))
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), x_quantization)
    w_quantization, _ = read_quantization(ctx, source, 4, 5)
    weights = ctx.stored_weights(source, 3, w_quantization, filters, 0)
    y_quantization, fmt = per_tensor(ctx, source, 6, 7)
    op = operator_of(source, x, weights, last)
    ctx.emit(source, op, [x, weights, ctx.bias(source, 8)], fmt, y_quantization)


def filters(data: np.ndarray) -> np.ndarray:
    """[O, C, (FY,) FX] as [O, FY, FX, C]."""
    if data.ndim == 3:
        data = data[:, :, None, :]
    if data.ndim != 4:
        raise UnsupportedNodeError(
            f"{data.ndim - 2}-D convolution is not supported, 1-D and 2-D are"
        )
    return np.moveaxis(data, 1, -1)


def operator_of(
    source: Source, x: Tensor, weights: Tensor, channels_last: bool = False
) -> Conv2D:  # fmt: skip
    """The convolution that the attributes of `source` describe."""
    taps = weights.shape[1:3] if len(x.shape) == 4 else weights.shape[2:3]
    shape = (x.shape[0], x.shape[-1], *x.shape[1:-1]) if channels_last else x.shape
    declared = source.integers("kernel_shape")
    if declared and declared != taps:
        raise DamagedNodeError(
            f"kernel_shape {list(declared)} does not fit its weights {list(taps)}"
        )
    window = read_window(source, shape, taps)
    axis = -1 if channels_last else 1
    groups = source.integer("group", 1)
    if groups < 1:
        raise DamagedNodeError(f"has {groups} groups")
    return Conv2D(window.stride, window.dilation, window.padding, groups, channel_axis=axis)

"""ConvTranspose: the extents of its output, and what is cut off at its borders."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.windows import extents
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.quantization import Quantization


def conv_transpose(ctx: Context, source: Source) -> None:
    """ConvTranspose in 1-D and 2-D; weights and bias are constants."""
    x = ctx.activation(source, 0)
    spatial = len(x.shape) - 2
    if spatial not in (1, 2):
        raise UnsupportedNodeError(f"{spatial}-D transposed convolution is not supported")
    groups = source.integer("group", 1)
    weights = _weights(ctx, source, groups)
    taps = weights.shape[3 - spatial : 3]
    declared = source.integers("kernel_shape")
    if declared and declared != taps:
        raise DamagedNodeError(f"kernel_shape {list(declared)} does not fit weights {list(taps)}")
    strides, dilations = extents(source, "strides", spatial), extents(source, "dilations", spatial)
    cut, size = _borders(source, x.shape[2:], taps, strides, dilations)
    one, none = (1,) * (2 - spatial), (0,) * (2 - spatial)
    op = TransposedConv2D(
        _pair(one + size), _pair(one + strides), _pair(one + dilations), _pair(none + cut),
        groups, channel_axis=1,
    )  # fmt: skip
    ctx.emit(source, op, [x, weights, ctx.bias(source, 2)])


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    y, x = values
    return y, x


def _weights(ctx: Context, source: Source, groups: int) -> Tensor:
    """Filters [C, M, (FY,) FX] of `groups` ranges of C as [G*M, FY, FX, C / groups]."""

    def layout(data: np.ndarray) -> np.ndarray:
        if data.ndim == 3:
            data = data[:, :, None, :]
        if data.ndim != 4 or groups < 1 or data.shape[0] % groups:
            raise DamagedNodeError(f"has weights of shape {list(data.shape)} in {groups} group(s)")
        grouped = data.reshape(groups, -1, *data.shape[1:])
        moved = np.moveaxis(grouped, 1, -1)
        return moved.reshape(-1, *moved.shape[2:])

    name = ctx.name_of(source, 1)
    found = ctx.quantized.get(name)
    if found is None or found.quantization.is_per_tensor or groups == 1:
        return ctx.weights(source, 1, layout, 1)
    old = found.quantization
    if old.axis is None or old.axis % found.data.ndim != 1 or old.block is not None:
        raise UnsupportedNodeError("its weights are quantized along another axis than the output's")
    scale, zero = (np.tile(v, groups) for v in (old.scale, old.zero_point))
    return ctx.add_constant(found.name, layout(found.data), Quantization(scale, zero, 0))


def _borders(
    source: Source, image: tuple[int, ...], taps: tuple[int, ...], strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """What is cut off before the output, and the output's extents, per spatial axis."""
    spatial = len(image)
    more = source.integers("output_padding") or (0,) * spatial
    asked = source.integers("output_shape")
    if len(more) != spatial or min(more) < 0 or len(asked) not in (0, spatial, spatial + 2):
        raise DamagedNodeError(
            f"has output_padding {list(more)} and output_shape {list(asked)} in {spatial}-D"
        )
    whole = tuple(
        (extent - 1) * stride + (tap - 1) * dilation + 1 + extra
        for extent, tap, stride, dilation, extra in zip(
            image, taps, strides, dilations, more, strict=True
        )
    )
    mode = source.text("auto_pad", "NOTSET")
    if asked:
        size = asked[-spatial:]
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        size = tuple(extent * stride for extent, stride in zip(image, strides, strict=True))
    elif mode in ("NOTSET", "", "VALID"):
        pads = source.integers("pads") if mode != "VALID" else ()
        pads = pads or (0,) * (2 * spatial)
        if len(pads) != 2 * spatial:
            raise DamagedNodeError(f"attribute 'pads' is {list(pads)}")
        if min(pads) < 0:
            raise UnsupportedNodeError("negative padding is not supported")
        before, after = pads[:spatial], pads[spatial:]
        return before, tuple(w - b - a for w, b, a in zip(whole, before, after, strict=True))
    else:
        raise DamagedNodeError(f"attribute 'auto_pad' is '{mode}'")
    totals = [max(0, w - s) for w, s in zip(whole, size, strict=True)]
    halves = tuple(total // 2 for total in totals)
    if mode == "SAME_UPPER":
        return halves, size
    return tuple(total - half for total, half in zip(totals, halves, strict=True)), size

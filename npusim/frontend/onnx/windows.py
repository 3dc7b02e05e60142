"""Windows as ONNX writes them: strides, dilations, explicit and automatic padding, in 1-D and 2-D.

A 1-D window is a 2-D one of a single row.
"""

from __future__ import annotations

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.windows.window import Window


def read_window(
    source: Source, image: tuple[int, ...], taps: tuple[int, ...], overhangs: bool = False
) -> Window:
    """The window of `source` over an input of logical shape `image` [B, C, (H,) W].

    With ceil_mode the last window may reach past the padded input; `overhangs` says that what it
    finds there takes no part, so that more padding is the same.
    """
    spatial = len(image) - 2
    if spatial not in (1, 2):
        raise UnsupportedNodeError(f"{spatial}-D windows are not supported, 1-D and 2-D are")
    if len(taps) != spatial or any(tap < 1 for tap in taps):
        raise DamagedNodeError(f"has a window {list(taps)} for an input of shape {list(image)}")
    strides = extents(source, "strides", spatial)
    dilations = extents(source, "dilations", spatial)
    before, after = _padding(source, image[2:], taps, strides, dilations)
    if source.integer("ceil_mode", 0):
        after = _with_overhang(image[2:], taps, strides, dilations, (before, after))
        if not overhangs and after != _padding(source, image[2:], taps, strides, dilations)[1]:
            raise UnsupportedNodeError("ceil_mode = 1 with a ragged last window is not supported")
    one = (1,) * (2 - spatial)
    none = (0,) * (2 - spatial)
    size, stride, dilation = (one + value for value in (taps, strides, dilations))
    top, left = none + before
    bottom, right = none + after
    return Window(
        (size[0], size[1]), (stride[0], stride[1]), (dilation[0], dilation[1]),
        (top, left, bottom, right),
    )  # fmt: skip


def extents(source: Source, name: str, spatial: int) -> tuple[int, ...]:
    """A list attribute of positive numbers, one a spatial axis; all 1 if it is absent."""
    values = source.integers(name) or (1,) * spatial
    if len(values) != spatial or any(value < 1 for value in values):
        raise DamagedNodeError(f"attribute '{name}' is {list(values)}")
    return values


def _padding(
    source: Source, image: tuple[int, ...], taps: tuple[int, ...],
    strides: tuple[int, ...], dilations: tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """Padding before and after, per spatial axis."""
    spatial = len(image)
    mode = source.text("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        pads = source.integers("pads") or (0,) * (2 * spatial)
        if len(pads) != 2 * spatial:
            raise DamagedNodeError(f"attribute 'pads' is {list(pads)}")
        if any(pad < 0 for pad in pads):
            raise UnsupportedNodeError("negative padding is not supported")
        return pads[:spatial], pads[spatial:]
    if mode == "VALID":
        return (0,) * spatial, (0,) * spatial
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise DamagedNodeError(f"attribute 'auto_pad' is '{mode}'")
    totals = []
    for extent, tap, stride, dilation in zip(image, taps, strides, dilations, strict=True):
        outputs = -(-extent // stride)
        totals.append(max(0, (outputs - 1) * stride + (tap - 1) * dilation + 1 - extent))
    smaller = tuple(total // 2 for total in totals)
    larger = tuple(total - half for total, half in zip(totals, smaller, strict=True))
    return (smaller, larger) if mode == "SAME_UPPER" else (larger, smaller)


def _with_overhang(
    image: tuple[int, ...], taps: tuple[int, ...], strides: tuple[int, ...],
    dilations: tuple[int, ...], padding: tuple[tuple[int, ...], tuple[int, ...]],
) -> tuple[int, ...]:  # fmt: skip
    """Padding after, enlarged by what the last window lacks if it starts inside the input."""
    after = []
    for axis, extent in enumerate(image):
        before, behind = padding[0][axis], padding[1][axis]
        free = extent + before + behind - (taps[axis] - 1) * dilations[axis] - 1
        ragged = free % strides[axis]
        last_start = free - ragged + strides[axis] - before
        enlarged = ragged and free >= 0 and last_start < extent
        after.append(behind + strides[axis] - ragged if enlarged else behind)
    return tuple(after)

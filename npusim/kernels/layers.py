"""Whole layers of a convolution: the sums of all its taps and channels, and their drain.

Where a reduction is not split into tiles there is no need to keep int32 sums. `convolution_layer`
binds what does not change from one inference to the next, so that a fast path can prepare it once,
and returns a function of (x, out). It is defined as the composition of the two kernels. As
`convolution_layer_wide`, its operands are of 8 or 16 bits, its sums and bias int64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from npusim.numerics.requantize import Requantizer

Array = np.ndarray
Layer = Callable[[Array, Array], None]
"""(x [B, H, W, G, C], out [B, OY, OX, G, K]), both of 8 bits (or 16); out is written in place."""
LayerMaker = Callable[[Array, Array, int, Sequence[int], Array, Requantizer], Layer]
"""(w, w_zero, x_zero, geometry, bias, requantizer), as the two kernels take them."""


def composed_layer(
    conv_accumulate: Callable[..., None], depthwise_accumulate: Callable[..., None],
    requantize: Callable[..., None], sums: np.typing.DTypeLike = np.int32,
) -> LayerMaker:  # fmt: skip
    """`convolution_layer` made of the kernels of one path, which add to `sums`."""

    def convolution_layer(
        w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array,
        requantizer: Requantizer,
    ) -> Layer:  # fmt: skip
        accumulate = depthwise_accumulate if w.shape[1] == w.shape[4] == 1 else conv_accumulate

        def layer(x: Array, out: Array) -> None:
            b, rows, cols, groups, filters = out.shape
            tile = (0, b, 0, groups, 0, filters, 0, w.shape[4], 0, rows, 0, cols)
            acc = np.zeros(out.shape, sums)
            accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
            requantize(acc, bias, requantizer, out)

        return layer

    return convolution_layer

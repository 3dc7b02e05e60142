"""The kernels in Numba: the path for a machine without the C ones.

Same names and signatures as the numpy reference. Wrappers bring the arrays to one type and layout,
so that each compiled function has one version, compiled at its first call and cached on disk.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.averages import average_kernels
from npusim.kernels.compiled import (
    convolution,
    elementwise,
    float_convolution,
    integer_sums,
    layers,
    pooling,
    requantize,
    requantize_wide,
)
from npusim.kernels.layers import composed_layer
from npusim.kernels.reference import KERNELS as REFERENCE
from npusim.kernels.tables import lookup_kernels
from npusim.kernels.widths import by_width

KERNELS = {
    **lookup_kernels(REFERENCE, elementwise.lookup),
    **by_width(average_kernels(REFERENCE, pooling.window_sum, pooling.row_sum), REFERENCE),
    **by_width({"max_pool_exact": pooling.max_pool_exact}, REFERENCE),
    "conv_accumulate": convolution.conv_accumulate,
    "conv_accumulate_float": float_convolution.conv_accumulate_float,
    "convolution_layer": layers.convolution_layer,
    "conv_accumulate_blocked": integer_sums.conv_accumulate_blocked,
    "conv_accumulate_saturating": integer_sums.conv_accumulate_saturating,
    "conv_accumulate_wide": integer_sums.conv_accumulate_wide,
    "convolution_layer_wide": composed_layer(
        integer_sums.conv_accumulate_wide,
        integer_sums.conv_accumulate_wide,
        requantize_wide.requantize_wide,
        sums=np.int64,
    ),
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "requantize": requantize.requantize,
    "requantize_wide": requantize_wide.requantize_wide,
}

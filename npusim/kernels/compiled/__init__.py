"""The kernels in Numba: the path for a machine without the C ones.

Same names and signatures as the numpy reference. Wrappers bring the arrays to one type and layout,
so that each compiled function has one version, compiled at its first call and cached on disk.
"""

from __future__ import annotations

from npusim.kernels.averages import average_kernels
from npusim.kernels.compiled import convolution, elementwise, layers, pooling, requantize
from npusim.kernels.reference import KERNELS as REFERENCE
from npusim.kernels.tables import lookup_kernels
from npusim.kernels.widths import by_width

KERNELS = {
    **lookup_kernels(REFERENCE, elementwise.lookup),
    **by_width(average_kernels(REFERENCE, pooling.window_sum, pooling.row_sum), REFERENCE),
    **by_width({"max_pool_exact": pooling.max_pool_exact}, REFERENCE),
    "conv_accumulate": convolution.conv_accumulate,
    "convolution_layer": layers.convolution_layer,
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "requantize": requantize.requantize,
}

"""The kernels in Numba: the path for a machine without the C ones.

Same names and signatures as the numpy reference. Wrappers bring the arrays to one type and layout,
so that each compiled function has one version, compiled at its first call and cached on disk.
"""

from __future__ import annotations

from npusim.kernels.compiled import convolution, requantize

KERNELS = {
    "conv_accumulate": convolution.conv_accumulate,
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "requantize": requantize.requantize,
}

"""The numpy reference: slow, obvious, and the definition of every kernel."""

from __future__ import annotations

from npusim.kernels.reference import convolution, requantize

KERNELS = {
    "conv_accumulate": convolution.conv_accumulate,
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "requantize": requantize.requantize,
}

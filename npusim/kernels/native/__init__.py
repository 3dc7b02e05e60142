"""The C kernels, under the names and with the signatures of the numpy reference.

The wrappers check types, shapes and bounds before a pointer is made: a wrong argument raises
ValueError, and C never reads or writes past an array. Numbers outside the range that a C kernel is
exact for go to the reference. C runs without Python's lock.
"""

from __future__ import annotations

from npusim.kernels.native import convolution, requantize
from npusim.kernels.native.memory import ffi, lib

KERNELS = {
    "conv_accumulate": convolution.conv_accumulate,
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "requantize": requantize.requantize,
}


def instruction_set() -> str:
    """The instruction set that the convolutions run on: "avx2" or "generic"."""
    return str(ffi.string(lib.npusim_instruction_set()).decode())

"""The C kernels, under the names and with the signatures of the numpy reference.

The wrappers check types, shapes and bounds before a pointer is made: a wrong argument raises
ValueError, and C never reads or writes past an array. Numbers outside the range that a C kernel is
exact for go to the reference. C runs without Python's lock.
"""

from __future__ import annotations

from npusim.kernels.averages import average_kernels
from npusim.kernels.native import (
    convolution,
    elementwise,
    float_convolution,
    float_drain,
    integer_sums,
    layers,
    pooling,
    requantize,
    softmax,
    wide,
)
from npusim.kernels.native.memory import ffi, lib
from npusim.kernels.reference import KERNELS as REFERENCE
from npusim.kernels.tables import Kernel, lookup_kernels
from npusim.kernels.widths import by_width

_TABLES = lookup_kernels(REFERENCE, elementwise.lookup)
_EIGHT_BIT: dict[str, Kernel] = {
    "max_pool_exact": pooling.max_pool_exact,
    "quantize_half_away": elementwise.quantize_half_away,
    "quantize_onnx": elementwise.quantize_onnx,
    "quantize_rint_reciprocal": elementwise.quantize_rint_reciprocal,
}

KERNELS = {
    **_TABLES,
    **by_width(average_kernels(REFERENCE, pooling.window_sum, pooling.row_sum), REFERENCE),
    **by_width(_EIGHT_BIT, REFERENCE),
    "add_onnx": elementwise.fused_add(_TABLES["add_onnx"]),
    "average_pool_onnx": pooling.average_pool_onnx,
    "conv_accumulate": convolution.conv_accumulate,
    "conv_accumulate_float": float_convolution.conv_accumulate_float,
    "conv_accumulate_blocked": integer_sums.conv_accumulate_blocked,
    "conv_accumulate_saturating": integer_sums.conv_accumulate_saturating,
    "conv_accumulate_wide": wide.conv_accumulate_wide,
    "convolution_layer": layers.convolution_layer,
    "convolution_layer_wide": wide.convolution_layer_wide,
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "drain_float": float_drain.drain_float,
    "requantize": requantize.requantize,
    "requantize_wide": requantize.requantize_wide,
    "softmax_fixed_point": softmax.softmax_fixed_point,
    "softmax_onnx": softmax.softmax_onnx,
    "softmax_table": softmax.softmax_table,
}


INSTRUCTION_SETS = ("generic", "avx2", "avx512-vnni")
"""What the convolutions may run on, the slowest first."""


def instruction_set() -> str:
    """The one of INSTRUCTION_SETS that the convolutions run on."""
    return str(ffi.string(lib.npusim_instruction_set()).decode())


def limit_instructions(most: str) -> None:
    """Run convolutions on `most` or less from now on; layers that exist keep what they use."""
    lib.npusim_limit_instructions(INSTRUCTION_SETS.index(most))


def divide_layers_from(macs: int | None) -> None:
    """Divide layers among threads from so many MACs a part on; None: where it pays."""
    lib.npusim_part_from(macs or 0)


def multiply_registers(rounds: int) -> int:
    """MACs done in registers only: timed, the most that the convolutions' instructions reach."""
    return int(lib.npusim_multiply_registers(rounds))

"""Arithmetic of every operator: TOSA without double rounding.

Convolutions and products round once (on int16 with a multiplier of 16 bits, as RESCALE of int48
has it); the others are TFLite's reference kernels. Concatenations,
sums and resizes are the same on int8 and uint8.
"""

from __future__ import annotations

from npusim.numerics.profile_tables import tflite_reference

ORACLE = "TOSA RESCALE without double rounding"
ARITHMETICS = {
    **tflite_reference.ARITHMETICS,
    "conv2d": "single_rounding",
    "fully_connected": "single_rounding",
    "fully_connected/int16": "reduced_multiplier",
    "fully_connected_without_bias/int16": "reduced_multiplier",
    "matmul": "single_rounding",
    "matmul_symmetric": "single_rounding",
    "lstm_product": "single_rounding",
    "transposed_conv2d": "single_rounding",
    "transposed_conv2d_with_gaps": "single_rounding",
    "transposed_conv2d_computed_size": "single_rounding",
    "concat/uint8": "double_rounding",
    "sum/int8": "double_rounding",
    "resize_bilinear/uint8": "integer",
    "resize_bilinear_computed_size/uint8": "integer",
}

"""Arithmetic of every operator: LiteRT's default delegate.

What the delegate leaves alone (average pooling, softmax, a stand-alone ReLU, most functions of one
element) runs in the built-in kernels. They do as the reference kernels, but for softmax.
"""

from __future__ import annotations

from npusim.numerics.profile_tables import tflite_reference

ORACLE = "LiteRT 2.3.0, default delegate"
ARITHMETICS = {
    **tflite_reference.ARITHMETICS,
    "clamp": "half_even_sum",
    "clamp/average_pool": "half_away",
    "clamp/relu": "half_away",
    "clamp/div": "half_away",
    "clamp/add_other": "half_away",
    "clamp/sub_other": "half_away",
    "clamp/mul_other": "half_away",
    "clamp/transposed_conv2d_computed_size": "half_away",
    "conv2d": "float32_rint",
    "fully_connected": "float32_rint",
    "matmul_symmetric": "float32_rint",
    # The delegate leaves weights of 4 bits to the built-in kernels, but for even fully connected
    # layers.
    "conv2d/int8*int4": "double_rounding_upwards",
    "conv2d/int8*int4 depthwise": "double_rounding_by_eights",
    "fully_connected/int8*int4 odd": "double_rounding_upwards",
    "clamp/conv2d/int8*int4": "half_away",
    "clamp/conv2d/int8*int4 depthwise": "half_away",
    "clamp/fully_connected/int8*int4 odd": "half_away",
    "transposed_conv2d": "float32_rint",
    "transposed_conv2d_with_gaps": "unknown",
    "transposed_conv2d_computed_size": "double_rounding_by_eights",
    "transposed_conv2d_computed_size/uint8": "unknown",
    "add": "one_shift",
    "sub": "one_shift",
    "mul": "float32_rint",
    "global_average_pool": "float32_bias",
    "mean": "float32_bias",
    "sum": "float32_bias",
    "sum/int8": "float32_bias",
    "softmax": "table",
    "quantize": "rint_reciprocal",
    "requantize": "factor8",
    "requantize_other": "half_up",
    "elu": "rint_lookup",
    "logistic": "rint_lookup",
    "tanh": "rint_lookup",
    "leaky_relu": "factor8",
    "resize_bilinear": "fixed11",
    "resize_bilinear/uint8": "fixed11",
    "resize_bilinear_computed_size": "integer",
    "resize_bilinear_computed_size/uint8": "unknown",
    "fully_connected_without_bias/int16": "double_rounding_upwards",
    "logistic/int16": "fixed_point",
    "tanh/int16": "fixed_point",
    "leaky_relu/int16": "signed_double_rounding",
    "quantize/int16": "rint_by_eights",
    "sum/int16": "float32_half_away",
}

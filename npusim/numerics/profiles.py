"""Requantization profiles: which operator uses which arithmetic, under whose authority.

A profile is a table from operator and input format to the name of an arithmetic. The names of
convolutions and matrix products are those of `requantize.ARITHMETICS`; the other operators name a
kernel variant (`add` under `one_shift` is the kernel `add_one_shift`). The row `clamp` says how the
bounds of a fused activation become integers (`quantization.CLAMP_ROUNDINGS`); `requantize_other` is
a requantization that changes the format as well, `global_average_pool` a mean over an image.

Every profile has a row for every operator, so that each runs every graph. Rows that no oracle
stands behind are the nearest documented arithmetic: in the TFLite profiles `matmul` (taken as a
convolution's) and `concat` of int8 tensors with different scales (LiteRT refuses them); under
`single-rounding`, all but convolutions and products (TFLite's reference kernels, as they are).
An average pooling or a softmax whose framework can't write the scale that the graph asks for is
followed by the profile's requantization, as a converter would write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from npusim.errors import Problem, UsageError, nearest_name


@dataclass(frozen=True)
class Profile:
    """A named table of arithmetics and the oracle that it was tested against."""

    name: str
    oracle: str
    arithmetics: Mapping[str, str]

    def arithmetic(self, kind: str, format_name: str) -> str:
        """The arithmetic of operator `kind` on inputs of `format_name`, else of `kind` alone."""
        specific = self.arithmetics.get(f"{kind}/{format_name}")
        return specific if specific is not None else self.arithmetics[kind]


PROFILES: dict[str, Profile] = {
    "onnx": Profile(
        "onnx",
        "ONNX Runtime 1.31.1, CPU, session.x64quantprecision=1",
        {
            "clamp": "half_even",
            "conv2d": "float32_rint",
            "fully_connected": "float32_rint",
            "matmul": "float32_rint",
            "add": "onnx",
            "mul": "onnx",
            "max_pool": "exact",
            "average_pool": "onnx",
            "global_average_pool": "float32_rint",
            "mean": "onnx",
            "concat": "onnx",
            "softmax": "onnx",
            "relu": "onnx",
            "quantize": "onnx",
            "dequantize": "affine",
            "requantize": "onnx",
            "requantize_other": "onnx",
        },
    ),
    "tflite-reference": Profile(
        "tflite-reference",
        "LiteRT 2.3.0, BUILTIN_REF kernels",
        {
            "clamp": "half_away",
            "conv2d": "double_rounding",
            "fully_connected": "float64_half_away",
            "matmul": "double_rounding",
            "add": "double_rounding",
            "mul": "double_rounding",
            "max_pool": "exact",
            "average_pool": "integer",
            "global_average_pool": "double_rounding",
            "mean": "double_rounding",
            "concat": "double_rounding",
            "concat/uint8": "float32_half_away",
            "softmax": "fixed_point",
            "relu": "double_rounding",
            "quantize": "half_away",
            "dequantize": "affine",
            "requantize": "double_rounding",
            "requantize_other": "double_rounding",
        },
    ),
    "xnnpack": Profile(
        "xnnpack",
        "LiteRT 2.3.0, default delegate",
        {
            "clamp": "half_even_sum",
            "clamp/average_pool": "half_away",
            "clamp/relu": "half_away",
            "conv2d": "float32_rint",
            "fully_connected": "float32_rint",
            "matmul": "float32_rint",
            "add": "one_shift",
            "mul": "float32_rint",
            "max_pool": "exact",
            "average_pool": "integer",
            "global_average_pool": "float32_bias",
            "mean": "float32_bias",
            "concat": "double_rounding",
            "concat/uint8": "float32_half_away",
            # Average pooling, softmax and a stand-alone ReLU: the delegate leaves them to the
            # built-in kernels.
            "softmax": "table",
            "relu": "double_rounding",
            "quantize": "rint_reciprocal",
            "dequantize": "affine",
            "requantize": "factor8",
            "requantize_other": "half_up",
        },
    ),
    "single-rounding": Profile(
        "single-rounding",
        "TOSA RESCALE without double rounding",
        {
            "clamp": "half_away",
            "conv2d": "single_rounding",
            "fully_connected": "single_rounding",
            "matmul": "single_rounding",
            "add": "double_rounding",
            "mul": "double_rounding",
            "max_pool": "exact",
            "average_pool": "integer",
            "global_average_pool": "double_rounding",
            "mean": "double_rounding",
            "concat": "double_rounding",
            "softmax": "fixed_point",
            "relu": "double_rounding",
            "quantize": "half_away",
            "dequantize": "affine",
            "requantize": "double_rounding",
            "requantize_other": "double_rounding",
        },
    ),
}


def profile_named(name: str) -> Profile:
    """The profile called `name`; UsageError with the nearest name otherwise."""
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(PROFILES)
        hint = nearest_name(name, list(PROFILES))
        what = f"unknown requantization profile '{name}'{hint}; known: {known}"
        raise UsageError(Problem("--requantize", what)) from None

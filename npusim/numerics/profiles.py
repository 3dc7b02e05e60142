"""Requantization profiles: which operator uses which arithmetic, under whose authority.

A profile is a table from operator and input format to the name of an arithmetic. The names of
convolutions and matrix products are those of `requantize.ARITHMETICS`; the other operators name a
kernel variant (`add` under `one_shift` is the kernel `add_one_shift`). The row `clamp` says how the
bounds of a fused activation become integers (`quantization.CLAMP_ROUNDINGS`); `requantize_other` is
a requantization that changes the format as well, `global_average_pool` a mean over an image,
`matmul_symmetric` a product whose second matrix has the zero point 0 (XNNPACK takes it),
`add_other` (and `sub`, `mul`) one of scales that XNNPACK leaves to other kernels, `add/clamped` one
before a clamp that saturation does not imply. `fully_connected_without_bias` is a layer on 16 bits.
`through_float` dequantizes, computes in float32 and
quantizes; `stored` computes on the stored integers, whatever they mean.

Every profile has a row for every operator, so that each runs every graph on 8 bits and in float32.
On 16 bits an operator has a row (`add/int16`) where a framework has a kernel for it, and is refused
elsewhere. Rows that no oracle
stands behind are the nearest documented arithmetic: in the TFLite profiles `matmul` of uint8 and
`concat` of int8 tensors with different scales (LiteRT refuses them), and the functions of one
element that TFLite has no operator for, or none on uint8 (its table), likewise pairs and
reductions (through float32, or as on int8); under `single-rounding`, all
but convolutions and products (TFLite's reference kernels, as they are).
An average pooling or a softmax whose framework can't write the scale that the graph asks for is
followed by the profile's requantization, as a converter would write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from npusim.errors import Problem, UnsupportedModelError, UsageError, nearest_name
from npusim.numerics.formats import FP32, INT16, UINT16
from npusim.numerics.profile_tables import onnx, single_rounding, tflite_reference, xnnpack

_OWN_ROWS = (INT16.name, UINT16.name)
"""Formats that the rows of an operator alone do not stand for: frameworks compute otherwise on
16 bits than on 8, or not at all."""


@dataclass(frozen=True)
class Profile:
    """A named table of arithmetics and the oracle that it was tested against."""

    name: str
    oracle: str
    arithmetics: Mapping[str, str]

    def arithmetic(self, kind: str, format_name: str) -> str:
        """The arithmetic of operator `kind` on inputs of `format_name`, else of `kind` alone.

        On float32 it is `float32`, whatever the framework. UnsupportedModelError if the format
        needs a row of its own and has none.
        """
        if format_name == FP32.name:
            return "float32"
        specific = self.arithmetics.get(f"{kind}/{format_name}")
        if specific is None and format_name in _OWN_ROWS:
            what = f"{self.name} has no arithmetic for {kind} of {format_name}"
            raise UnsupportedModelError(Problem(kind, what))
        return specific if specific is not None else self.arithmetics[kind]

    def clamp(self, kind: str, format_name: str) -> str:
        """How the bounds of an activation behind `kind` become integers of `format_name`."""
        wide = self.arithmetics.get(f"clamp/{format_name}")
        return wide if wide is not None else self.arithmetic("clamp", kind)


PROFILES: dict[str, Profile] = {
    name: Profile(name, table.ORACLE, table.ARITHMETICS)
    for name, table in {
        "onnx": onnx,
        "tflite-reference": tflite_reference,
        "xnnpack": xnnpack,
        "single-rounding": single_rounding,
    }.items()
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

"""One row of the list of operators, and how its data types are found: by binding a sample.

A sample is an operator with small tensors. It is bound once for each number format under each
requantization profile of a framework, exactly as in execution: what the kernels take is listed,
what they refuse is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

import numpy as np

from npusim.errors import UnsupportedModelError
from npusim.ir.operator import Operator
from npusim.ir.ops.narrow_floats import bind_operator
from npusim.ir.tensor import Tensor
from npusim.kernels.table import kernels
from npusim.numerics.formats import (
    BF16,
    BOOL,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    INT4,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT4,
    UINT8,
    UINT16,
    Format,
)
from npusim.numerics.profiles import profile_named
from npusim.numerics.quantization import Quantization

PROBED = {
    "tflite": (INT8, UINT8, INT16, INT32, INT64, BOOL, FP32),
    "onnx": (
        INT4, UINT4, INT8, UINT8, INT16, UINT16, INT32, INT64, BOOL, FP8_E4M3, FP8_E5M2, FP16,
        BF16, FP32,
    ),
}  # fmt: skip
"""Framework to the formats that tensors of its files have, and are probed."""
WITH_INT4_WEIGHTS = (INT8, INT16)
"""Formats of the data that are probed with weights of 4 bits too, where there are weights."""
SCALED_FLOATS = (FP8_E4M3, FP8_E5M2)
FLOATS = tuple(fmt.name for fmt in (*SCALED_FLOATS, FP16, BF16, FP32))
PROFILES = {"tflite": ("tflite-reference", "xnnpack"), "onnx": ("onnx",)}
"""Framework to the profiles under which a format must be taken to be listed."""

TITLES = {"tflite": "TFLite", "onnx": "ONNX"}

_HIDDEN = (
    "channel_axis", "stored", "as_stored", "behind_conv", "computed_size", "global_pool",
    "long_sums",
)  # fmt: skip
"""Attributes that say how a file stores things, not what is computed."""

Role = Literal["data", "weight", "bias", "index", "condition", "real"]


class Sample(NamedTuple):
    """One input of a sample: what it is to the operator, and its shape."""

    role: Role
    shape: tuple[int, ...]


X = (Sample("data", (1, 4, 4, 8)),)
XX = X * 2


@dataclass(frozen=True)
class Entry:
    """An operator with the names it has in files, and what a sample of it looks like.

    `output` is the format of the result where it is not that of the data; `note` is a limit that
    the attributes do not show.
    """

    op: Operator
    tflite: str = ""
    onnx: str = ""
    note: str = ""
    inputs: tuple[Sample, ...] = X
    output: Format | None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the operator's attributes."""
        names = (each.name for each in fields(self.op))  # type: ignore[arg-type]
        return tuple(name for name in names if name not in _HIDDEN)

    def names(self, framework: str) -> tuple[str, ...]:
        """The operator's names in files of `framework` (`tflite` or `onnx`)."""
        return tuple((self.tflite if framework == "tflite" else self.onnx).split())

    def formats(self, framework: str) -> tuple[str, ...]:
        """Formats of the data that are executed under every profile of `framework`.

        `int8*int4` is data of the one with weights of the other.
        """
        if not self.names(framework):
            return ()
        profiles = PROFILES[framework]
        found = [fmt.name for fmt in PROBED[framework] if self._runs(fmt, profiles)]
        if any(sample.role == "weight" for sample in self.inputs):
            pairs = [fmt for fmt in WITH_INT4_WEIGHTS if self._runs(fmt, profiles, INT4)]
            found += [f"{fmt.name}*{INT4.name}" for fmt in pairs]
        return tuple(found)

    @property
    def data_types(self) -> str:
        """The formats in words; both frameworks' where they differ."""
        found = {name: in_words(self.formats(name), name) for name in PROFILES if self.names(name)}
        if len(set(found.values())) == 1:
            return next(iter(found.values()))
        return "; ".join(f"{TITLES[name]}: {words}" for name, words in found.items())

    def _runs(self, fmt: Format, profiles: Iterable[str], weight: Format = INT8) -> bool:
        if fmt in SCALED_FLOATS and not _takes_scaled(self.op):
            return False
        inputs = [_tensor(f"in{at}", given, fmt, weight) for at, given in enumerate(self.inputs)]
        shapes = self.op.infer_shapes(inputs)
        result = self.output or fmt
        outputs = [
            Tensor(f"out{at}", tuple(shape), result, _quantization(result))
            for at, shape in enumerate(shapes)
        ]
        try:
            for name in profiles:
                bind_operator(self.op, inputs, outputs, profile_named(name), kernels("reference"))
        except UnsupportedModelError:
            return False
        return True


def _takes_scaled(op: Operator) -> bool:
    """True if a graph can have stored numbers before this operator."""
    return op.quantizable or op.moves or op.compares or op.takes_narrow_floats


def in_words(formats: tuple[str, ...], framework: str) -> str:
    """Formats with a comma between them; `any` for all that the framework has, `floats` for all
    floating-point ones of ONNX."""
    if len(formats) == len(PROBED[framework]):
        return "any"
    if set(FLOATS) <= set(formats):
        formats = (*(name for name in formats if name not in FLOATS), "floats")
    return ", ".join(formats) or "none"


_BIASES = {
    INT8: INT32, UINT8: INT32, INT16: INT64, UINT16: INT64, FP8_E4M3: FP32, FP8_E5M2: FP32
}  # fmt: skip
"""Formats that are probed as quantized numbers beside weights, with that of their biases."""


def _quantization(fmt: Format) -> Quantization | None:
    if fmt not in (INT4, UINT4, *_BIASES):
        return None
    middle = (fmt.low + fmt.high + 1) // 2
    return Quantization.per_tensor(2.0 ** -(fmt.bits - 1), middle)


def _tensor(name: str, given: Sample, fmt: Format, weight: Format) -> Tensor:
    role, shape = given
    if role == "data":
        return Tensor(name, shape, fmt, _quantization(fmt))
    if role == "weight":
        kind = weight if fmt in _BIASES and fmt.is_integer else fmt
        return Tensor(name, shape, kind, _quantization(kind), np.ones(shape, kind.dtype))
    bias = _BIASES.get(fmt, fmt)
    kind = {"bias": bias, "index": INT64, "condition": BOOL, "real": FP32}[role]
    constant = None if role == "condition" else np.zeros(shape, kind.dtype)
    return Tensor(name, shape, kind, None, constant)

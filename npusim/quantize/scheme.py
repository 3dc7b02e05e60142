"""What is quantized how: formats of weights and activations, for all layers and for single ones.

A layer is a node of the float graph. Its activation format is that of what it reads and writes, as
an NPU multiplies `activation*weight`; where the format of a tensor's writer is not that of its
reader, a conversion stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from npusim.errors import Problem, UsageError, nearest_name
from npusim.numerics.formats import (
    BF16,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    INT4,
    INT8,
    INT16,
    UINT8,
    UINT16,
    Format,
)

GRANULARITIES = ("per-tensor", "per-channel", "per-block")
DEFAULT_BLOCK = 32
"""Elements of a block, as in GPTQ-like 4-bit files and the OCP's MX formats."""

_REALS = {"fp32": FP32, "fp16": FP16, "bf16": BF16}
_NARROW = {"fp8-e4m3": FP8_E4M3, "fp8-e5m2": FP8_E5M2}
WEIGHTS: Mapping[str, tuple[Format, int]] = {
    "int8": (INT8, 8), "int4": (INT4, 4), "int3": (INT4, 3), "fp8-e4m3": (FP8_E4M3, 8),
    "fp8-e5m2": (FP8_E5M2, 8), "fp32": (FP32, 32), "fp16": (FP16, 16), "bf16": (BF16, 16),
}  # fmt: skip
"""Weights by name: how they are stored, and the bits that their values use."""
ACTIVATIONS: Mapping[str, Format] = {
    "uint8": UINT8, "int8": INT8, "int16": INT16, "uint16": UINT16, **_NARROW, **_REALS,
}  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """Weights of a layer: a key of `WEIGHTS`, and what has a scale of its own.

    Scales are symmetric: the zero point is 0, and the lowest code (-128, -8) is not used.
    `block` counts elements along the input channels. With `clipped` a scale is the one with the
    least squared error, which may let the greatest weights saturate; else it holds them all.
    """

    name: str = "int8"
    granularity: str = "per-channel"
    block: int = DEFAULT_BLOCK
    clipped: bool = False

    @property
    def format(self) -> Format:
        """The format that they are stored in."""
        return WEIGHTS[self.name][0]

    @property
    def bits(self) -> int:
        """The width of their values; int3 lies in int4."""
        return WEIGHTS[self.name][1]

    @property
    def stays_real(self) -> bool:
        """True for weights without a scale."""
        return self.name in _REALS

    def __str__(self) -> str:
        if self.stays_real:
            return self.name
        width = f"-{self.block}" if self.granularity == "per-block" else ""
        return f"{self.name}:{self.granularity}{width}{' clipped' if self.clipped else ''}"


@dataclass(frozen=True)
class Activations:
    """Activations of a layer: a key of `ACTIVATIONS`; of integers, whether 0 is in the middle."""

    name: str = "uint8"
    symmetric: bool = False

    @property
    def format(self) -> Format:
        """The format that they are stored in."""
        return ACTIVATIONS[self.name]

    @property
    def stays_real(self) -> bool:
        """True for activations without a scale."""
        return self.name in _REALS

    def __str__(self) -> str:
        if self.format.is_float:
            return self.name
        return f"{self.name}:{'symmetric' if self.symmetric else 'asymmetric'}"


@dataclass(frozen=True)
class LayerFormats:
    """Formats of one layer."""

    weights: Weights = Weights()
    activations: Activations = Activations()

    @property
    def refusal(self) -> str:
        """Why no product of these formats is executed and written; empty if it is."""
        weights, activations = self.weights, self.activations
        if weights.stays_real:
            fits = weights.name == activations.name
        elif weights.format.is_float:
            fits = activations.name == "fp32" or activations.name in _NARROW
            if weights.granularity == "per-block":
                return f"{weights.name} per block is not supported, per-channel is"
        else:
            fits = activations.name == "fp32" or activations.format.is_integer
        if fits:
            return ""
        return (
            f"{weights.name} weights with {activations.name} activations are not supported: "
            "integers go with integers, 8-bit floats with 8-bit floats, any weights with fp32"
        )

    def __str__(self) -> str:
        return f"{self.weights}*{self.activations}"


@dataclass(frozen=True)
class Scheme:
    """Formats of all layers but those in `layers`, which are named as the graph's nodes."""

    weights: Weights = Weights()
    activations: Activations = Activations()
    layers: Mapping[str, LayerFormats] = field(default_factory=dict)
    dynamic: bool = False
    """Ranges of activations are found at run time, for what reads weights; all else is float32."""

    def of(self, layer: str) -> LayerFormats:
        """The formats of the layer called `layer`."""
        return self.layers.get(layer) or LayerFormats(self.weights, self.activations)

    def with_layer(self, layer: str, formats: LayerFormats) -> Scheme:
        """The same scheme with other formats for one layer."""
        return replace(self, layers={**self.layers, layer: formats})

    @property
    def needs_calibration(self) -> bool:
        """True if ranges of activations have to be known before the run."""
        chosen = [self.activations, *(one.activations for one in self.layers.values())]
        return not self.dynamic and any(not one.stays_real for one in chosen)

    def __str__(self) -> str:
        kept = f", {len(self.layers)} layers otherwise" if self.layers else ""
        how = "found at run time" if self.dynamic else str(self.activations)
        return f"weights {self.weights}, activations {how}{kept}"


_BLOCKS = "per-block"
_INT4, _INT3 = Weights("int4", _BLOCKS), Weights("int3", _BLOCKS, clipped=True)
_INT16 = Activations("int16", symmetric=True)
SCHEMES: Mapping[str, Scheme] = {
    "w8a8": Scheme(),
    "w8a8-per-tensor": Scheme(Weights("int8", "per-tensor")),
    "w4a8": Scheme(_INT4),
    "w3a8": Scheme(_INT3),
    "w8a16": Scheme(activations=_INT16),
    "w4a16": Scheme(_INT4, _INT16),
    "fp8-e4m3": Scheme(Weights("fp8-e4m3"), Activations("fp8-e4m3")),
    "fp8-e5m2": Scheme(Weights("fp8-e5m2"), Activations("fp8-e5m2")),
    "w8": Scheme(Weights("int8"), Activations("fp32")),
    "w4": Scheme(_INT4, Activations("fp32")),
    "fp16": Scheme(Weights("fp16"), Activations("fp16")),
    "dynamic": Scheme(Weights("int8"), Activations("fp32"), dynamic=True),
}
"""Schemes by name: `w<bits>a<bits>`, weights alone (`w<bits>`), floats, and `dynamic`. Weights of 3
bits have the scales of least squared error; those of 4 bits lose more by them than they gain."""


def scheme_named(name: str) -> Scheme:
    """The scheme called `name`; UsageError for any other name."""
    if name not in SCHEMES:
        what = f"unknown scheme '{name}'{nearest_name(name, tuple(SCHEMES))}"
        raise UsageError(Problem("--scheme", f"{what}; known: {', '.join(SCHEMES)}"))
    return SCHEMES[name]


def parse_weights(text: str, where: str = "--weights") -> Weights:
    """`int8`, `int8:per-tensor`, `int4:per-block-64` as Weights; UsageError for anything else."""
    name, _, rest = text.partition(":")
    known = [one for one in WEIGHTS if one not in _REALS]
    _require(name, known, where, "weights")
    found = re.fullmatch(
        r"(per-tensor|per-channel|per-block)(?:-(\d{1,6}))?", rest or "per-channel"
    )
    if found is None or (found[2] and (found[1] != _BLOCKS or int(found[2]) < 1)):
        what = f"'{text}': {', '.join(GRANULARITIES)} or per-block-N expected behind '{name}:'"
        raise UsageError(Problem(where, what))
    return Weights(name, found[1], int(found[2] or DEFAULT_BLOCK))


def parse_activations(text: str, where: str = "--activations") -> Activations:
    """`uint8`, `int8:symmetric` as Activations; UsageError for anything else.

    Signed integers are symmetric unless they are asked to be otherwise, unsigned ones the reverse.
    """
    name, _, rest = text.partition(":")
    _require(name, [one for one in ACTIVATIONS if one != "bf16"], where, "activations")
    is_integer = ACTIVATIONS[name].is_integer
    if rest not in ("", "symmetric", "asymmetric") or (rest and not is_integer):
        what = f"'{text}': symmetric or asymmetric expected behind '{name}:', of integers alone"
        raise UsageError(Problem(where, what))
    usual = ACTIVATIONS[name].low < 0
    return Activations(name, is_integer and (rest == "symmetric" if rest else usual))


def kept_in(name: str, where: str = "--keep") -> LayerFormats:
    """The formats of a layer that is not quantized: `fp16` or `fp32`."""
    _require(name, ["fp16", "fp32"], where, "kept layers")
    return LayerFormats(Weights(name), Activations(name))


def _require(name: str, known: list[str], where: str, what: str) -> None:
    if name not in known:
        hint = nearest_name(name, known)
        raise UsageError(
            Problem(where, f"unknown format '{name}' of {what}{hint}; known: {', '.join(known)}")
        )

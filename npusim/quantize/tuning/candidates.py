"""Which formats a layer may have on a hardware, and which the hardware lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npusim.errors import Problem, UsageError
from npusim.quantize.scheme import LayerFormats, scheme_named

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware

USUAL = ("w8a8", "w4a8", "fp8-e4m3", "w8a16", "w4a16", "fp16")
"""Schemes that are tried where nobody says which."""


@dataclass(frozen=True)
class Candidate:
    """Formats by the name of their scheme, and what the array multiplies for them."""

    name: str
    formats: LayerFormats
    runs_as: str

    @property
    def is_widened(self) -> bool:
        """True for weights of 4 bits that the array multiplies as wider ones."""
        return self.formats.weights.format.bits == 4 and "int4" not in self.runs_as


def candidates_for(
    hardware: Hardware, names: Sequence[str] = ()
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Candidates that the array of `hardware` multiplies, and a sentence on each that it doesn't.

    `names` are those of schemes, `USUAL` without any. UsageError for an unknown name, and if there
    is no candidate at all.
    """
    found, lacking = [], []
    for name in dict.fromkeys(names or USUAL):
        scheme = scheme_named(name)
        formats = LayerFormats(scheme.weights, scheme.activations)
        pair = formats.activations.format.name, formats.weights.format.name
        runs_as = hardware.mac_array.pair_for(*pair)
        if runs_as is None:
            lacking.append(f"{name}: the array of {hardware.name} has no rate for {'*'.join(pair)}")
        else:
            found.append(Candidate(name, formats, runs_as))
    if not found:
        raise UsageError([Problem("--formats", reason) for reason in lacking])
    return tuple(found), tuple(lacking)

"""Which arithmetic of requantization applies to a graph on a hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.errors import Problem, UsageError, nearest_name
from npusim.ir.graph import Graph
from npusim.numerics.profiles import PROFILES, Profile, profile_named

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware


def choose_profile(requantize: str | None, hardware: Hardware, graph: Graph) -> Profile:
    """The requantization profile that applies; see DESIGN section 5."""
    if requantize is None:
        return profile_named(hardware.requantize or graph.profile)
    if requantize == "model":
        return profile_named(graph.profile)
    if requantize == "hardware":
        if hardware.requantize is None:
            what = f"{hardware.name} states no arithmetic of its own (requantize: null)"
            raise UsageError(Problem("--requantize", what))
        return profile_named(hardware.requantize)
    if requantize not in PROFILES:
        known = ("model", "hardware", *PROFILES)
        hint = nearest_name(requantize, known)
        what = f"unknown profile '{requantize}'{hint}; known: {', '.join(known)}"
        raise UsageError(Problem("--requantize", what))
    return profile_named(requantize)

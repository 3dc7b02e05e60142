"""What a model keeps from inference to inference, and where: a note of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npusim.schedule.program import Program


def state_notes(program: Program) -> tuple[str, ...]:
    """One note for a model that remembers, none for any other."""
    graph = program.graph
    sizes = {state.read: graph.tensors[state.read].size_bytes for state in graph.states}
    if not sizes:
        return ()
    inside = sum(size for name, size in sizes.items() if name in program.placements)
    outside = sum(sizes.values()) - inside
    places = []
    if inside:
        places.append(f"{inside} bytes in SRAM, with a second place for the new value")
    if outside:
        places.append(f"{outside} bytes read from and written to the second memory each time")
    return (f"remembers from inference to inference: {', '.join(places)}",)

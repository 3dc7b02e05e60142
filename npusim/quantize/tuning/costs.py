"""What one unit in one format costs on a hardware: its share of a network that is all in it.

Conversions where formats meet are in none of these; the simulation of a whole assignment has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from npusim import api
from npusim.ir.graph import Graph
from npusim.quantize.calibration import Calibration
from npusim.quantize.quantized import quantized_graph
from npusim.quantize.report import stored_bytes
from npusim.quantize.tuning.candidates import Candidate
from npusim.quantize.tuning.units import Unit, scheme_of

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware
    from npusim.report.report import Report
    from npusim.report.types import Layer

AGAINST = ("latency", "energy", "size")


def uniform_costs(
    graph: Graph, calibration: Calibration, method: str, hardware: Hardware,
    units: Sequence[Unit], candidates: Sequence[Candidate], against: str,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Cost float64 [candidates] of each unit: cycles, joules, or bytes of weights."""
    columns = []
    for candidate in candidates:
        scheme = scheme_of(units, [candidate.formats] * len(units))
        made = quantized_graph(graph, scheme, calibration, method)
        columns.append(_costs(made, hardware, units, against))
    return tuple(np.array(row) for row in zip(*columns, strict=True))


def _costs(graph: Graph, hardware: Hardware, units: Sequence[Unit], against: str) -> list[float]:
    if against == "size":
        return [float(_weight_bytes(graph, unit)) for unit in units]
    report = api.simulate(api.Model(graph), hardware, objective=objective_for(against))
    value: Callable[[Layer], float] = (
        (lambda layer: layer.cycles) if against == "latency" else (lambda layer: layer.energy_j)
    )
    by_name = _by_name(report, value)
    return [sum(by_name.get(name, 0.0) for name in unit.nodes) for unit in units]


def objective_for(against: str) -> str:
    """What a schedule is chosen for where a cost of `AGAINST` counts."""
    return "energy" if against == "energy" else "latency"


def _by_name(report: Report, value: Callable[[Layer], float]) -> Mapping[str, float]:
    return {layer.name: value(layer) for layer in report.layers}


def _weight_bytes(graph: Graph, unit: Unit) -> int:
    node = next(node for node in graph.nodes if node.name == unit.name)
    return stored_bytes(graph.tensors[name] for name in node.inputs[1:] if name)

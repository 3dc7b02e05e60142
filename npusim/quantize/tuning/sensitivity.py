"""How much noise one unit in one format causes at the output, with all others in fp16.

Measured by executing the network with that unit's integer (or FP8, ...) kernels: the mean square of
what its outputs differ from the float32 run's. What fp16 everywhere causes is taken off, and each
unit has an equal part of it at least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from npusim.ir.graph import Graph
from npusim.quantize.calibration import Calibration
from npusim.quantize.judging import Reference
from npusim.quantize.quantized import quantized_graph
from npusim.quantize.tuning.candidates import Candidate
from npusim.quantize.tuning.units import Unit, scheme_of

Progress = Callable[[float], None]
"""Told what share of the runs is done."""


def noise_power(reference: Reference, graph: Graph) -> float:
    """Mean square of the differences of all outputs of `graph` from the float run's."""
    found = reference.outputs_of(graph)
    sums = [
        (float(((found[name] - exact.astype(np.float64)) ** 2).sum()), exact.size)
        for name, exact in reference.outputs.items()
    ]
    return sum(noise for noise, _ in sums) / sum(size for _, size in sums)


def measured_noises(
    graph: Graph, calibration: Calibration, method: str, reference: Reference,
    units: Sequence[Unit], candidates: Sequence[Candidate], progress: Progress | None = None,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Noise power float64 [candidates] of each unit of the float `graph` alone."""
    nothing = quantized_graph(graph, scheme_of([], []), calibration, method)
    floor = noise_power(reference, nothing)
    noises = []
    for at, unit in enumerate(units):
        row = np.zeros(len(candidates))
        for number, candidate in enumerate(candidates):
            scheme = scheme_of([unit], [candidate.formats])
            quantized = quantized_graph(graph, scheme, calibration, method)
            own = noise_power(reference, quantized) - floor
            row[number] = max(own, 0.0) + floor / len(units)
            if progress is not None:
                progress((at + (number + 1) / len(candidates)) / len(units))
        noises.append(row)
    return tuple(noises)

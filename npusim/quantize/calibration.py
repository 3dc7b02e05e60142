"""One pass of a float graph over samples: a histogram of every tensor that may be quantized.

The graph is executed by the float kernels sample by sample, and only histograms are kept: memory
does not depend on the number of samples. Ranges of any kind, for any format, follow from one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from npusim.errors import Problem, UsageError
from npusim.ir.graph import Graph
from npusim.numerics.formats import FP32, Format
from npusim.quantize.histogram import Histogram
from npusim.quantize.ranges import RANGES
from npusim.quantize.running import Arrays, Runner

Progress = Callable[[int], None]
"""Told after each sample how many are done."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is known of the tensors of `graph` from `samples` samples."""

    graph: Graph
    samples: int
    histograms: Mapping[str, Histogram]
    _ranges: dict[tuple[str, str, str, bool], tuple[float, float]] = field(default_factory=dict)

    def range_of(
        self, tensor: str, method: str, fmt: Format, symmetric: bool
    ) -> tuple[float, float]:
        """The range of a tensor for `fmt`, found as `method` (a key of RANGES) says; kept."""
        key = (tensor, method, fmt.name, symmetric)
        if key not in self._ranges:
            self._ranges[key] = RANGES[method](self.histograms[tensor], fmt, symmetric)
        return self._ranges[key]


def calibrate(
    graph: Graph, samples: Iterable[Arrays], progress: Progress | None = None
) -> Calibration:
    """Histograms of the float32 tensors of `graph` over `samples`, each the inputs of one run.

    UsageError if there is no sample, or if inputs or what is computed of them hold NaN or infinity.
    """
    runner = Runner(graph)
    found: dict[str, Histogram] = {}
    count = 0
    for sample in samples:
        for name, values in runner.values(sample):
            if graph.tensors[name].format != FP32 or not values.size:
                continue
            _require_finite(name, values, count, name in graph.inputs)
            found.setdefault(name, Histogram()).add(values)
        count += 1
        if progress is not None:
            progress(count)
    if count == 0:
        raise UsageError(Problem("--calibration", "holds no sample"))
    return Calibration(graph, count, found)


def _require_finite(name: str, values: np.ndarray, sample: int, is_input: bool) -> None:
    if np.isfinite(values).all():
        return
    what = "is" if is_input else "becomes"
    raise UsageError(Problem(f"--calibration: sample {sample}", f"'{name}' {what} NaN or infinity"))

"""The numbers of a point: of one model those of its simulation, of several their weighted mean.

Weights say how often a model runs. Times, energies and bytes are means over inferences; what is a
ratio of sums stays one: TOPS are weighted by time, TOPS/W by energy, utilization by cycles, and
throughput is all inferences over the time that all take. Accuracy is the mean by weight. Area and
the peak of SRAM are those of the chip that runs all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from npusim.sweep.objectives import ACCURACY, OF


class Figures(Protocol):
    """What a simulation says of a whole network; see `npusim.report.types.Total`."""

    @property
    def cycles(self) -> int: ...
    @property
    def latency_s(self) -> float: ...
    @property
    def first_inference_s(self) -> float: ...
    @property
    def energy_j(self) -> float: ...
    @property
    def average_power_w(self) -> float: ...
    @property
    def tops_effective(self) -> float: ...
    @property
    def tops_per_watt(self) -> float: ...
    @property
    def area_mm2(self) -> float: ...
    @property
    def dram_read_bytes(self) -> int: ...
    @property
    def dram_write_bytes(self) -> int: ...
    @property
    def sram_read_bytes(self) -> int: ...
    @property
    def sram_write_bytes(self) -> int: ...
    @property
    def sram_peak_bytes(self) -> int: ...
    @property
    def utilization(self) -> float: ...


METRICS = (
    "cycles", "latency_s", "first_inference_s", "throughput_ips", "energy_j", "edp_js",
    "average_power_w", "tops_effective", "tops_per_watt", "tops_per_mm2", "utilization", "area_mm2",
    "dram_bytes", "dram_read_bytes", "dram_write_bytes", "sram_read_bytes", "sram_write_bytes",
    "sram_peak_bytes",
)  # fmt: skip
"""The columns of a table, in the order of `metrics`."""
WHOLE = frozenset(name for name in METRICS if name.endswith("_bytes")) | {"cycles"}
"""Those that are whole numbers for one model."""
OF_EACH_MODEL = ("latency_s", "energy_j")
"""With several models, columns of each of them too: `latency_s of NAME`."""


def metric_names(models: Sequence[str], with_accuracy: bool = False) -> tuple[str, ...]:
    """The columns of a table over `models`, whose accuracy is found too or not."""
    also = (ACCURACY,) if with_accuracy else ()
    names = (*METRICS, *also)
    if len(models) < 2:
        return names
    each = (*OF_EACH_MODEL, *also)
    return (*names, *(f"{metric}{OF}{model}" for metric in each for model in models))


def metrics(
    found: Sequence[Figures], weights: Sequence[float], rates: Sequence[float],
    accuracies: Sequence[float] = (),
) -> tuple[float, ...]:  # fmt: skip
    """The numbers of `metric_names`, from the figures of each model and how often it runs.

    `rates` are inferences of each model a second, `accuracies` their shares of right answers.
    """
    times = [weight * one.latency_s for weight, one in zip(weights, found, strict=True)]
    joules = [weight * one.energy_j for weight, one in zip(weights, found, strict=True)]
    cycles = [weight * one.cycles for weight, one in zip(weights, found, strict=True)]

    def mean(name: str, by: Sequence[float] = weights) -> float:
        return _mean([getattr(one, name) for one in found], by)

    latency_s, energy_j, area_mm2 = mean("latency_s"), mean("energy_j"), found[0].area_mm2
    tops = mean("tops_effective", times)
    read_bytes, write_bytes = mean("dram_read_bytes"), mean("dram_write_bytes")
    own = [getattr(one, metric) for metric in OF_EACH_MODEL for one in found]
    own = [*own, *accuracies] if len(found) > 1 else []
    accuracy = [_mean(accuracies, weights)] if accuracies else []
    return (
        mean("cycles"), latency_s, mean("first_inference_s"), _rate(rates, weights), energy_j,
        energy_j * latency_s, mean("average_power_w", times), tops, mean("tops_per_watt", joules),
        tops / area_mm2, mean("utilization", cycles), area_mm2, read_bytes + write_bytes,
        read_bytes, write_bytes, mean("sram_read_bytes"), mean("sram_write_bytes"),
        max(one.sram_peak_bytes for one in found), *accuracy, *own,
    )  # fmt: skip


def _rate(rates: Sequence[float], weights: Sequence[float]) -> float:
    """Inferences a second of a mix: all of them over the time that all take."""
    if len(rates) == 1:
        return rates[0]
    if not all(rates):
        return 0.0
    times = (weight / rate for weight, rate in zip(weights, rates, strict=True))
    return math.fsum(weights) / math.fsum(times)


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Of one value it is the value itself, bit for bit."""
    if len(values) == 1:
        return values[0]
    whole = math.fsum(weights)
    shares = (value * weight for value, weight in zip(values, weights, strict=True))
    return math.fsum(shares) / whole if whole else 0.0

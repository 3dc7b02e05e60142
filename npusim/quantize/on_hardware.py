"""A quantized graph as it is: executed and simulated from one Program on the hardware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from npusim import api
from npusim.execution.accuracy import accuracy_of
from npusim.ir.graph import Graph
from npusim.quantize.judging import agreement_between, real_of, sqnr_between
from npusim.quantize.report import weight_bytes_of

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Measured:
    """What a quantized graph is worth and what it costs on the hardware, one inference.

    `agreement` is the share of samples with the float model's first choice (None for single
    numbers), `accuracy` that with the right one (None without labels).
    """

    sqnr_db: float
    agreement: float | None
    accuracy: float | None
    latency_s: float
    energy_j: float
    weight_bytes: int

    def quality(self, name: str) -> float:
        """`sqnr`, `agreement` or `accuracy`."""
        value = {"sqnr": self.sqnr_db, "agreement": self.agreement, "accuracy": self.accuracy}[name]
        assert value is not None
        return value

    def cost(self, name: str) -> float:
        """`latency` in s, `energy` in J or `size` in bytes."""
        return {"latency": self.latency_s, "energy": self.energy_j, "size": self.weight_bytes}[name]


@dataclass(frozen=True, eq=False)
class Judge:
    """The samples, stacked, with the float model's outputs for them."""

    inputs: Arrays
    samples: int
    expected: Mapping[str, np.ndarray]
    labels: np.ndarray | None

    def measured(self, graph: Graph, hardware: Hardware, objective: str) -> Measured:
        """Execute and simulate `graph` on `hardware`."""
        model = api.Model(graph)
        program = api.schedule(model, hardware, objective=objective)
        stored = api.infer(program, self.inputs)
        outputs = {name: real_of(array, graph.tensors[name]) for name, array in stored.items()}
        total = api.report_of(program, None, objective).total
        accuracy = None
        if self.labels is not None:
            accuracy = float(accuracy_of(outputs, self.labels)["accuracy"])
        return Measured(
            sqnr_between(self.expected, outputs),
            agreement_between(self.expected, outputs, self.samples),
            accuracy, total.latency_s, total.energy_j, weight_bytes_of(graph),
        )  # fmt: skip

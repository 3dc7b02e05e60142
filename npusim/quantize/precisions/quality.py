"""What is left of a float network in each precision, by quantizing and executing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from npusim import api
from npusim.quantize.calibration import calibrate
from npusim.quantize.judging import Reference
from npusim.quantize.on_hardware import Judge
from npusim.quantize.post_training import prepared
from npusim.quantize.quantized import quantized_graph
from npusim.quantize.scheme import Activations, Scheme, Weights, scheme_named

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware
    from npusim.quantize.on_hardware import Measured

Arrays = Mapping[str, np.ndarray]

SCHEMES: Mapping[str, Scheme] = {
    "fp16": scheme_named("fp16"),
    "bf16": Scheme(Weights("bf16"), Activations("bf16")),
    "w8a16": scheme_named("w8a16"),
    "int8": scheme_named("w8a8"),
    "fp8": scheme_named("fp8-e4m3"),
    "w4a8": scheme_named("w4a8"),
    "w4a16": scheme_named("w4a16"),
}
"""How a network gets into a precision; `fp32` is what the others are compared with."""
NOT_QUANTIZED = "npusim quantizes no weights to 16 bits"
"""Why there is no way to `int16`."""


@dataclass(frozen=True)
class Samples:
    """Float samples by input: to calibrate with, to judge on, and int [N] classes of the latter."""

    calibration: Arrays
    judged: Arrays
    labels: np.ndarray | None = None


class Qualities:
    """The float `model`, calibrated; quantized and executed in each precision asked for."""

    def __init__(self, model: api.Model, hardware: Hardware, samples: Samples) -> None:
        self._graph, self._hardware = prepared(model), hardware
        self._seen = calibrate(self._graph, list(api.inferences(self._graph, samples.calibration)))
        judged = list(api.inferences(self._graph, samples.judged))
        expected = Reference(self._graph, judged).outputs
        self._judge = Judge(samples.judged, len(judged), expected, samples.labels)

    def of(self, name: str) -> Measured | None:
        """What executing the network in precision `name` gives; None where there is no way."""
        if name == "fp32":
            return self._judge.measured(self._graph, self._hardware, "latency")
        if name not in SCHEMES:
            return None
        made = quantized_graph(self._graph, SCHEMES[name], self._seen)
        return self._judge.measured(made, self._hardware, "latency")

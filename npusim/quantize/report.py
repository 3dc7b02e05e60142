"""What quantization did to a model: as numbers, as JSON, and as the lines of a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT32
from npusim.quantize.calibration import Calibration
from npusim.quantize.grids import bounds_of
from npusim.quantize.judging import LayerNoise
from npusim.quantize.onnx_runtime import RuntimeAgreement
from npusim.report.shown import finite

SCHEMA = "npusim.quantize/1"


@dataclass(frozen=True)
class LayerReport:
    """A layer: its formats, the range and the noise of its output.

    `weights` is the format that they are stored in; empty without any, and for a layer that became
    several nodes, which `alone_db` is nan of.

    `low` and `high` are what was seen in calibration, `grid_low` and `grid_high` what the grid
    holds; None where there is no grid, or where nothing was seen. Shares are between 0 and 1.
    """

    name: str
    op: str
    activations: str
    weights: str
    sqnr_db: float
    alone_db: float
    saturated: float
    low: float | None
    high: float | None
    grid_low: float | None
    grid_high: float | None


@dataclass(frozen=True)
class QuantizationReport:
    """The quantized model beside the float one.

    `accuracy` and `float_accuracy` are those of `npusim.execution.accuracy`, where labels were
    given. `runtime` is None if ONNX Runtime is not installed, or there was nothing to run it on.
    """

    model: str
    scheme: str
    range_method: str
    calibration_samples: int
    judged_samples: int
    float_weight_bytes: int
    weight_bytes: int
    sqnr_db: float | None
    agreement: float | None
    layers: tuple[LayerReport, ...]
    float_in_runtime: tuple[str, ...]
    runtime: RuntimeAgreement | None = None
    accuracy: Mapping[str, float] | None = None
    float_accuracy: Mapping[str, float] | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def worst(self) -> tuple[LayerReport, ...]:
        """Layers by the noise that they add themselves, the worst first."""
        return tuple(sorted(self.layers, key=_noise_of))

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; SQNR without any noise is null."""
        return finite({"schema": SCHEMA, **asdict(self)})  # type: ignore[no-any-return]

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def _noise_of(layer: LayerReport) -> float:
    """SQNR alone, or that in the whole run where a layer is several nodes."""
    return layer.sqnr_db if math.isnan(layer.alone_db) else layer.alone_db


def weight_bytes_of(graph: Graph) -> int:
    """Bytes of all constants of `graph`; see `stored_bytes`."""
    return stored_bytes(graph.constants())


def stored_bytes(constants: Iterable[Tensor]) -> int:
    """Bytes of `constants`, packed, with the float32 scales of those that have some.

    The scale of an int32 bias is not stored: it is that of its products.
    """
    total = 0
    for one in constants:
        total += one.size_bytes
        if one.quantization is not None and one.format != INT32:
            total += 4 * one.quantization.scale.size
    return total


def layer_reports(
    graph: Graph, exact: Graph, noises: list[LayerNoise], calibration: Calibration | None
) -> tuple[LayerReport, ...]:
    """Rows for the layers of the quantized `graph`, made from the float graph `exact`."""
    nodes = {node.name: node for node in graph.nodes}
    before = {node.name: node for node in exact.nodes}
    rows = []
    for noise in noises:
        node, tensors = nodes[noise.name], graph.tensors
        out = tensors[node.outputs[0]]
        constant = [tensors[name] for name in node.inputs[1:2] if name]
        is_one_node = constant and constant[0].is_constant and not math.isnan(noise.alone_db)
        weights = constant[0].format.name if is_one_node else ""
        seen = None
        if calibration is not None:
            seen = calibration.histograms.get(before[noise.name].outputs[0])
        ends = (None, None) if seen is None else (seen.low, seen.high)
        grid = (None, None) if out.quantization is None else bounds_of(out.quantization, out.format)
        rows.append(
            LayerReport(
                noise.name, noise.op, out.format.name, weights, noise.sqnr_db, noise.alone_db,
                noise.saturated, *ends, *grid,
            )
        )  # fmt: skip
    return tuple(rows)


def range_notes(graph: Graph, calibration: Calibration | None) -> list[str]:
    """A note on tensors that were the same number wherever they were seen."""
    if calibration is None:
        return []
    flat = [
        f"'{name}' ({seen.low:g})"
        for name, seen in calibration.histograms.items()
        if seen.low == seen.high
    ]
    if not flat:
        return []
    return [
        f"constant over all calibration samples: {', '.join(flat)}; the grid of such a tensor "
        "spans 0 and its value, and has the scale 1 where that is 0"
    ]

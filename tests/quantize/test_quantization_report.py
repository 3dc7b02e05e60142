"""The report: what JSON holds, what the worst layers are, what bytes are counted."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from npusim.models.bundled import bundled_calibration
from npusim.quantize import QuantizationReport, prepared, quantize, quantized_graph, scheme_named
from npusim.quantize.report import SCHEMA, weight_bytes_of


def report(scheme: str = "w8a8") -> QuantizationReport:
    few = {name: array[:6] for name, array in bundled_calibration().items()}
    return quantize("digits-float", few, scheme).report


def test_json_is_sound_and_complete() -> None:
    made = report()
    document = json.loads(made.to_json())
    assert document["schema"] == SCHEMA and document["calibration_samples"] == 6
    assert document["judged_samples"] == 6 and document["accuracy"] is None
    assert [layer["name"] for layer in document["layers"]] == [one.name for one in made.layers]
    assert set(document["layers"][0]) >= {
        "sqnr_db", "alone_db", "saturated", "low", "high", "grid_low", "grid_high",
    }  # fmt: skip


def test_infinite_figures_become_null() -> None:
    made = replace(report(), sqnr_db=math.inf)
    assert json.loads(made.to_json())["sqnr_db"] is None


def test_the_worst_layers_come_first() -> None:
    found = [layer.alone_db for layer in report().worst]
    assert found == sorted(found)
    dynamic = report("dynamic").worst
    assert any(math.isnan(layer.alone_db) for layer in dynamic) and len(dynamic) == 11


def test_bytes_are_packed_and_have_their_scales() -> None:
    graph = prepared("digits-float")
    made = quantized_graph(graph, scheme_named("w4"))
    weights = [tensor for tensor in made.constants() if tensor.quantization is not None]
    packed = sum((tensor.size + 1) // 2 for tensor in weights)
    scales = sum(tensor.quantization.scale.size for tensor in weights if tensor.quantization)
    others = sum(tensor.size * 4 for tensor in made.constants() if tensor.quantization is None)
    assert weight_bytes_of(made) == packed + 4 * scales + others
    assert weight_bytes_of(graph) == 4 * graph.parameters

"""A network of 16-bit activations: every layer as LiteRT 2.3.0, and on an NPU that has int16."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import npusim
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_models import TinyModel
from tests.support.tflite_wide import network

DRAWS = 3


def model_and_graph(weights: str, folder: Path) -> tuple[TinyModel, Graph]:
    model = network(np.random.default_rng(16), weights)
    (folder / "network.tflite").write_bytes(model.content())
    return model, load_model(folder / "network.tflite")


def images() -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [rng.normal(0, 0.7, (1, 12, 12, 4)).astype(np.float32) for _ in range(DRAWS)]


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_every_layer_equals_litert(weights: str, profile: str, tmp_path: Path) -> None:
    model, graph = model_and_graph(weights, tmp_path)
    kept = litert.interpreter(model.content(), profile, preserve=True)
    for x in images():
        litert.run(kept, {"x": x})
        oracle, values = litert.tensors(kept), evaluate(graph, {"x": x}, profile)
        for node in graph.nodes:
            (name,) = node.outputs
            assert len(np.unique(oracle[name])) > 5, f"{name} shows nothing"
            np.testing.assert_array_equal(values[name], oracle[name], err_msg=node.op.kind)


@pytest.mark.parametrize("path", ["c", "numba"])
def test_every_path_gives_the_same_bits(path: str, tmp_path: Path) -> None:
    _, graph = model_and_graph("int8", tmp_path)
    for x in images():
        expected, found = evaluate(graph, {"x": x}), evaluate(graph, {"x": x}, path=path)
        for node in graph.nodes:
            np.testing.assert_array_equal(found[node.name], expected[node.name])


@pytest.mark.parametrize("preset", ["ethos-u55-128", "edge-npu-1-mixed"])
def test_an_npu_with_int16_gives_the_frameworks_bits(preset: str, tmp_path: Path) -> None:
    """Its accumulators are wide enough, so the tiles do not show."""
    _, graph = model_and_graph("int8", tmp_path)
    model, hardware = npusim.load_model(tmp_path / "network.tflite"), npusim.load_hardware(preset)
    for x in images():
        found = npusim.execute(model, hardware, {"x": x}, requantize="tflite-reference")
        np.testing.assert_array_equal(found.outputs["y"], evaluate(graph, {"x": x})["y"])

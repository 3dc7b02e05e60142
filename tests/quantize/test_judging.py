"""Noise as it is defined; layers are charged for what they add themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from npusim import api
from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.models.bundled import bundled_calibration
from npusim.numerics.formats import FP8_E4M3, INT8, Format
from npusim.numerics.quantization import Quantization
from npusim.quantize import Reference, calibrate, prepared, quantized_graph, scheme_named
from npusim.quantize.judging import Noise, agreement_between, real_of, sqnr_between
from npusim.quantize.scheme import LayerFormats, Weights


def test_sqnr_is_that_of_its_definition() -> None:
    exact, found = np.array([3.0, 4.0]), np.array([3.0, 3.5])
    assert sqnr_between({"y": exact}, {"y": found}) == pytest.approx(20.0)  # 25 over 0.25
    assert sqnr_between({"y": exact}, {"y": exact}) == math.inf
    assert sqnr_between({"y": exact * 0}, {"y": found}) == -math.inf
    parts = Noise()
    for at in range(2):
        parts.add(exact[at : at + 1], found[at : at + 1])
    assert parts.sqnr_db == pytest.approx(20.0)


def test_agreement_is_the_share_of_equal_places() -> None:
    exact = {"y": np.array([[0, 1], [1, 0], [0, 1], [1, 0]], float)}
    found = {"y": np.array([[0, 1], [1, 0], [1, 0], [1, 0]], float)}
    assert agreement_between(exact, found, 4) == 0.75
    assert agreement_between({"y": np.ones(4)}, {"y": np.ones(4)}, 4) is None


@pytest.mark.parametrize("fmt", [INT8, FP8_E4M3])
def test_reals_are_those_of_the_grid(fmt: Format) -> None:
    grid = Quantization.per_tensor(0.07, 0 if fmt.is_float else -5)
    stored = np.arange(100).astype(fmt.dtype)
    tensor = Tensor("y", stored.shape, fmt, grid)
    assert np.array_equal(real_of(stored, tensor), grid.real(stored, fmt))


def few(graph: Graph) -> list[dict[str, np.ndarray]]:
    given = {name: array[:10] for name, array in bundled_calibration().items()}
    return list(api.inferences(graph, given))


def test_the_layer_with_coarse_weights_hurts_most() -> None:
    graph = prepared("digits-float")
    samples = few(graph)
    seen = calibrate(graph, samples)
    scheme = scheme_named("w8a8")
    for name in ("widen", "down_pointwise"):
        coarse = LayerFormats(Weights("int3", "per-tensor"), scheme.activations)
        made = quantized_graph(graph, scheme.with_layer(name, coarse), seen)
        layers = Reference(graph, samples).layers(made)
        assert min(layers, key=lambda layer: layer.alone_db).name == name
        first = next(layer for layer in layers if layer.name == "stem")
        assert first.sqnr_db == pytest.approx(first.alone_db, abs=0.1)  # nothing was lost before


def test_values_beyond_a_grid_are_counted() -> None:
    graph = prepared("digits-float")
    samples = few(graph)
    made = quantized_graph(graph, scheme_named("w8a8"), calibrate(graph, samples))
    node = next(node for node in made.nodes if node.name == "stem")
    out = made.tensors[node.outputs[0]]
    assert out.quantization is not None
    half = replace(out.quantization, scale=out.quantization.scale * np.float32(0.5))
    narrow = replace(made, tensors={**made.tensors, out.name: replace(out, quantization=half)})
    shares = {layer.name: layer.saturated for layer in Reference(graph, samples).layers(narrow)}
    assert shares["stem"] > 0 and shares["widen"] == 0

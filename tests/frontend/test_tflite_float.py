"""Models whose weights alone are small: of float16, of 8 bits, and dynamic-range quantization."""

from __future__ import annotations

import numpy as np
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_models import TinyModel

ROWS, DEPTH, UNITS = 3, 37, 11
TOLERANCE = 2.0**-20
"""Relative to the largest output: float32 sums of 37 products in another order."""


def model(weights: str, folded: bool = True) -> TinyModel:
    """A fully connected layer on float32; `folded`: its weights pass through DEQUANTIZE."""
    rng, m = np.random.default_rng(0), TinyModel()
    x, y = m.tensor("x", (ROWS, DEPTH), "float32"), m.tensor("y", (ROWS, UNITS), "float32")
    m.inputs, m.outputs = [x], [y]
    if weights == "float16":
        w = m.constant("stored", rng.normal(size=(UNITS, DEPTH)).astype(np.float16))
    else:
        data = rng.integers(-127, 128, (UNITS, DEPTH)).astype(np.int8)
        scale = rng.uniform(0.01, 0.1, UNITS if weights == "per channel" else 1)
        w = m.constant("stored", data, scale, 0)
    bias = m.constant("bias", rng.normal(size=UNITS).astype(np.float32))
    if folded:
        real = m.tensor("w", (UNITS, DEPTH), "float32")
        m.operator("DEQUANTIZE", [w], [real], "DequantizeOptions")
        w = real
    m.operator("FULLY_CONNECTED", [x, w, bias], [y], "FullyConnectedOptions")
    return m


def read(m: TinyModel, folder) -> Graph:
    file = folder / "model.tflite"
    file.write_bytes(m.content())
    return load_model(file)


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("weights", ["float16", "per tensor"])
def test_weights_that_are_only_stored_small_are_float_constants(weights, profile, tmp_path):
    m = model(weights)
    graph = read(m, tmp_path)
    assert [node.op.kind for node in graph.nodes] == ["fully_connected"]
    x = {"x": np.random.default_rng(1).normal(size=(ROWS, DEPTH)).astype(np.float32)}
    oracle = litert.interpreter(m.content(), profile)
    litert.run(oracle, x)
    expected, found = litert.outputs(oracle)["y"], evaluate(graph, x, profile)["y"]
    assert np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max()


def test_scales_per_channel_are_applied_along_their_axis(tmp_path):
    m = model("per channel")
    constant = read(m, tmp_path).tensors["w"].data
    scale = np.float32(m.tensors[2].scale)[:, None]
    np.testing.assert_array_equal(constant, scale * m.tensors[2].data.astype(np.float32))


def test_dynamic_range_quantization_is_counted_and_not_executed(tmp_path):
    graph = read(model("per tensor", folded=False), tmp_path)
    program = api.schedule(api.Model(graph), "edge-npu-1")
    assert any("dynamic-range" in note for note in api.report_of(program).notes)
    with pytest.raises(UnsupportedModelError, match="dynamic-range"):
        api.infer(program, {"x": np.zeros((ROWS, DEPTH), np.float32)})


def test_an_empty_shape_is_a_constant(tmp_path):
    """A reshape to a scalar has a shape without elements, and so no data in the file."""
    m = TinyModel()
    x, y = m.tensor("x", (1, 1), scale=0.1), m.tensor("y", (), scale=0.1)
    shape = m.tensor("shape", (0,), "int32")
    m.inputs, m.outputs = [x], [y]
    m.operator("RESHAPE", [x, shape], [y], version=1)
    assert read(m, tmp_path).tensors["y"].shape == ()

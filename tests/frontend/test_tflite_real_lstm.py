"""LSTMs on float32 against LiteRT, over consecutive frames, within rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_lstm import Lstm, real_lstm_model
from tests.support.tflite_models import TinyModel

TOLERANCE = 2.0**-19
"""A few units in the last place of numbers near 1, through steps that feed on each other."""
PLAIN = Lstm(steps=5, depth=7, units=6)


def read(model: TinyModel, folder) -> Graph:
    file = folder / "model.tflite"
    file.write_bytes(model.content())
    return load_model(file)


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("case", [PLAIN, replace(PLAIN, time_major=True), Lstm(rows=1, steps=1)])
def test_frames_are_close_to_litert(case, profile, tmp_path):
    rng = np.random.default_rng(0)
    model = real_lstm_model(rng, case)
    graph = read(model, tmp_path)
    oracle = litert.interpreter(model.content(), profile)
    held = {state.read: state.initial for state in graph.states}
    for _ in range(4):
        x = {"x": rng.normal(size=model.tensors[0].shape).astype(np.float32)}
        litert.run(oracle, x)
        values = evaluate(graph, {**x, **held}, profile)
        assert np.abs(values["y"] - litert.outputs(oracle)["y"]).max() <= TOLERANCE
        held = {state.read: values[state.written] for state in graph.states}


def test_it_runs_on_the_host(tmp_path):
    graph = read(real_lstm_model(np.random.default_rng(0), PLAIN), tmp_path)
    report = api.simulate(api.Model(graph), "edge-npu-1")
    assert {layer.on for layer in report.layers if layer.op == "lstm"} == {"host"}


def _int8_weights(model: TinyModel) -> None:
    weights = next(tensor for tensor in model.tensors if tensor.name == "wf")
    weights.dtype, weights.data = "int8", np.ones(weights.shape, np.int8)
    weights.scale = 0.1


def test_what_is_not_computed_is_refused_by_name(tmp_path):
    rng = np.random.default_rng(0)
    with pytest.raises(UnsupportedModelError, match="clipping"):
        read(real_lstm_model(rng, replace(PLAIN, cell_clip=1.0)), tmp_path)
    model = real_lstm_model(rng, PLAIN)
    _int8_weights(model)
    with pytest.raises(UnsupportedModelError, match="'wf' is int8"):
        read(model, tmp_path)

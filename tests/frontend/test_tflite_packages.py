"""TFLite models that packages bring, frame after frame against LiteRT, every tensor and state.

The models of pymicro-wakeword listen to a stream: each frame of three spectra goes with what six
variables hold of the frames before.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from npusim import api
from npusim.frontend import load_model
from npusim.hardware import preset_names
from tests.support import litert
from tests.support.evaluate import evaluate

PACKAGE = "pymicro_wakeword"
MODELS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
FRAMES = 50
pytestmark = pytest.mark.slow


def model_file(name: str) -> Path:
    """A model of the package, which is not imported; skips where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        pytest.skip(f"the package {PACKAGE} is not installed")
    return Path(found.origin).parent / "models" / f"{name}.tflite"


def frames(shape: tuple[int, ...], loud: bool) -> np.ndarray:
    """int8 [FRAMES, ...]: noise, or a sum of noises that wanders through the whole range."""
    rng = np.random.default_rng(0)
    if not loud:
        return rng.integers(-128, 128, (FRAMES, *shape[1:])).astype(np.int8)
    steps = rng.integers(-40, 41, (FRAMES, *shape[1:]))
    return np.clip(np.cumsum(steps, axis=0), -128, 127).astype(np.int8)


@pytest.mark.parametrize("loud", [False, True])
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_of_a_stream_equals_litert(name, profile, loud):
    file = model_file(name)
    graph = load_model(file)
    kept = litert.interpreter(file.read_bytes(), profile, preserve=True)
    (entry,) = graph.inputs
    held = {state.read: state.initial for state in graph.states}
    assert len(held) == 6
    varied: dict[str, set[bytes]] = {}
    for frame in frames(graph.tensors[entry].shape, loud):
        x = {entry: frame[None]}
        litert.run(kept, x)
        values = evaluate(graph, {**x, **held}, profile, "c")
        for detail in kept.get_tensor_details():  # resources have no values, asking crashes LiteRT
            tensor = detail["name"]
            if tensor in values and not graph.tensors[tensor].is_constant:
                expected = kept.get_tensor(detail["index"])
                np.testing.assert_array_equal(values[tensor], expected, tensor)
                varied.setdefault(tensor, set()).add(expected.tobytes())
        held = {state.read: values[state.written] for state in graph.states}
    assert {*graph.outputs, *held} <= varied.keys()
    assert all(len(varied[state.read]) == FRAMES for state in graph.states)


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("name", MODELS)
def test_a_program_streams_the_outputs_of_litert(name, profile):
    file = model_file(name)
    program = api.schedule(file, "edge-npu-1")
    graph = program.graph
    x = frames(graph.tensors[graph.inputs[0]].shape, loud=True)
    found, state = api.infer_from(
        program, {graph.inputs[0]: x}, profile, None, None, None, stream=True
    )
    oracle = litert.interpreter(file.read_bytes(), profile)
    for at, frame in enumerate(x):
        litert.run(oracle, {graph.inputs[0]: frame[None]})
        for tensor, expected in litert.outputs(oracle).items():
            np.testing.assert_array_equal(found[tensor][at : at + 1], expected)
    assert state.keys() == {each.name for each in graph.states}


@pytest.mark.parametrize("name", MODELS)
def test_every_preset_counts_a_frame(name):
    for hardware in preset_names():
        report = api.simulate(model_file(name), hardware)
        assert report.total.cycles > 0, hardware

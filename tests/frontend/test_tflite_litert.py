"""Real TFLite models against LiteRT 2.3.0, layer by layer and at the end."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.frontend import load_model
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.shared import shared_path

SMALL = (
    "mlperf_tiny_ad01_int8",
    "mlperf_tiny_kws_ref_model",
    "mlperf_tiny_pretrainedResnet_quant",
    "mlperf_tiny_vww_96_int8",
)
MOBILENETS = ("mobilenet_v2_1.0_224_quant", "tf2_mobilenet_v2_1.0_224_ptq")
KWS = "mlperf_tiny_kws_ref_model"
RIGHT_OF_1000 = {"tflite-reference": 901, "xnnpack": 902}
"""What LiteRT 2.3.0 itself gets right of the keyword set; checked below against LiteRT too."""


def wrong_by_layer(model: str, profile: str, draws: int) -> dict[str, int]:
    """Wrong elements of each tensor over random inputs, tensors without any left out."""
    path = shared_path("data", "models", f"{model}.tflite")
    graph = load_model(path)
    entry = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng(0)
    low, high = entry.format.low, entry.format.high
    arrays = [
        rng.integers(low, high + 1, entry.shape).astype(entry.format.dtype) for _ in range(draws)
    ]
    return compare(path, graph, profile, arrays)


def compare(path, graph, profile, arrays) -> dict[str, int]:
    """Wrong elements by tensor; every computed tensor must be there to compare."""
    kept = litert.interpreter(path.read_bytes(), profile, preserve=True)
    plain = litert.interpreter(path.read_bytes(), profile)
    wrong: dict[str, int] = {}
    for x in arrays:
        values = evaluate(graph, {graph.inputs[0]: x}, profile)
        litert.run(kept, {graph.inputs[0]: x})
        litert.run(plain, {graph.inputs[0]: x})
        oracle = litert.tensors(kept)
        for node in graph.nodes:
            for name in node.outputs:
                wrong[name] = wrong.get(name, 0) + int((oracle[name] != values[name]).sum())
        for name, array in litert.outputs(plain).items():
            wrong[f"output {name}"] = int((array != values[name]).sum())
    return {name: count for name, count in wrong.items() if count}


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("model", (*SMALL, "tf2_mobilenet_v2_1.0_224_ptq"))
def test_every_layer_equals_litert(model, profile):
    assert wrong_by_layer(model, profile, 1) == {}


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("model", (*SMALL, *MOBILENETS))
def test_every_layer_equals_litert_over_20_inputs(model, profile):
    assert wrong_by_layer(model, profile, 20) == {}


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("model", MOBILENETS)
def test_a_photo_equals_litert_and_is_recognized(model, profile):
    image = pytest.importorskip("PIL.Image")
    photo = image.open(shared_path("data", "models", "parrot.jpg")).convert("RGB")
    x = np.asarray(photo.resize((224, 224)), np.uint8)[None]
    path = shared_path("data", "models", f"{model}.tflite")
    graph = load_model(path)
    assert compare(path, graph, profile, [x]) == {}
    labels = shared_path("data", "models", "imagenet_labels.txt").read_text().splitlines()
    scores = evaluate(graph, {graph.inputs[0]: x}, profile)[graph.outputs[0]]
    assert "macaw" in labels[int(scores.argmax())]


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
def test_keywords_are_spotted_as_often_as_by_litert(profile):
    data = np.load(shared_path("data", "kws01", "kws01_all1000.npz"))
    path = shared_path("data", "models", f"{KWS}.tflite")
    graph = load_model(path)
    made = litert.interpreter(path.read_bytes(), profile)
    ours, theirs = 0, 0
    for x, label in zip(data["x"], data["y"], strict=True):
        inputs = {graph.inputs[0]: x.reshape(graph.tensors[graph.inputs[0]].shape)}
        ours += int(evaluate(graph, inputs, profile)[graph.outputs[0]].argmax() == label)
        litert.run(made, inputs)
        theirs += int(litert.outputs(made)[graph.outputs[0]].argmax() == label)
    assert ours == theirs == RIGHT_OF_1000[profile]

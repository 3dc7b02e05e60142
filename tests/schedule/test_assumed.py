"""A float model counted at an assumed number format: rates, bytes, energy, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError, UsageError
from npusim.hardware import load_hardware
from npusim.schedule.assumed import in_format
from tests.support.onnx_models import NetworkBuilder, quantize

PRECISIONS = {
    "mac_array.precisions.fp16*fp16": 0.25,
    "mac_array.precisions.int8*int4": 2,
}


def network(pooled: bool = True) -> onnx.ModelProto:
    """Two wide convolutions on a small image, and a classifier."""
    b = NetworkBuilder(seed=1)
    x = b.node("Relu", [b.conv("image", 16, 64, 3)])
    x = b.conv(x, 64, 64, 3)
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])]) if pooled else x
    y = b.dense(x, 64, 10) if pooled else x
    return b.model({"image": (1, 16, 16, 16)}, {y: (1, 10) if pooled else (1, 64, 16, 16)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(network(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_the_array_runs_at_the_rate_of_the_pair(path: Path) -> None:
    hw = load_hardware("edge-npu-1", PRECISIONS)
    int8, fp16, int4 = (api.simulate(path, hw, assume=each)
                        for each in ("int8", "fp16", "int8*int4"))  # fmt: skip
    busy = {
        name: sum(layer.array_busy_cycles for layer in report.layers)
        for name, report in (("int8", int8), ("fp16", fp16), ("int4", int4))
    }
    assert busy["fp16"] > 2 * busy["int8"] > 2 * busy["int4"]
    assert fp16.total.dominant_format == "fp16"
    assert {layer.on for layer in int8.layers} == {"npu"}
    macs = 16 * 16 * 9 * (16 * 64 + 64 * 64) + 640
    assert [report.model.macs for report in (int8, fp16, int4)] == [macs] * 3


def test_bytes_and_energy_are_those_of_the_format(path: Path) -> None:
    hw = load_hardware("edge-npu-1", PRECISIONS)
    graph = api.load_model(path).graph
    weights = 9 * (16 * 64 + 64 * 64) + 640
    biases = 4 * (64 + 64 + 10)
    for assumed, activation_bytes, weight_bytes in (("int8", 1, 1), ("fp16", 2, 2),
                                                    ("int8*int4", 1, 0.5)):  # fmt: skip
        seen = in_format(graph, hw, assumed)
        stored = sum(tensor.size_bytes for tensor in seen.constants())
        assert stored == weight_bytes * weights + biases
        assert seen.tensors["image"].size_bytes == 16 * 16 * 16 * activation_bytes
    int8, fp16 = (api.simulate(path, hw, assume=each).total for each in ("int8", "fp16"))
    assert fp16.dram_read_bytes > int8.dram_read_bytes
    assert fp16.energy_j_by_part["mac"] > 2 * int8.energy_j_by_part["mac"]


def test_what_was_assumed_is_in_the_notes(path: Path) -> None:
    notes = api.simulate(path, "edge-npu-1", assume="int8").notes
    assert any("as if all activations were int8" in note for note in notes)
    assert not any("on the host" in note for note in notes)


def test_a_pair_that_the_array_has_not_is_refused_with_those_that_it_has(path: Path) -> None:
    with pytest.raises(UsageError, match=r"no fp16\*fp16.*it has int8\*int8, int8\*int4, fp8"):
        api.simulate(path, "edge-npu-1", assume="fp16")
    with pytest.raises(UsageError, match=r"no itn8.*did you mean 'int8"):
        api.simulate(path, "edge-npu-1", assume="itn8")


def test_a_quantized_model_is_refused(tmp_path: Path) -> None:
    stored = quantize(network(), tmp_path, "qdq")
    with pytest.raises(UsageError, match=r"is quantized.*only float models"):
        api.simulate(stored, "edge-npu-1", assume="int8")
    with pytest.raises(UsageError, match="number formats of its own"):
        api.simulate("digits", "edge-npu-1", assume="int8")


def test_an_assumed_model_is_not_executed(path: Path) -> None:
    program = api.schedule(path, "edge-npu-1", assume="int8")
    image = np.zeros((1, 16, 16, 16), np.float32)
    with pytest.raises(UnsupportedModelError, match=r"counted as if in int8\*int8"):
        api.infer(program, {"image": image})


def test_comparisons_and_batches_take_it_too(path: Path) -> None:
    comparison = api.compare([path], ["edge-npu-1", "tpu-like-128"], batch=4, assume="int8")
    assert [report.batch for report in comparison.reports] == [4, 4]
    one = api.simulate(path, "edge-npu-1", assume="int8")
    assert comparison.reports[0].model.macs == 4 * one.model.macs


def test_an_lstm_stays_on_the_host(tmp_path: Path) -> None:
    """Its time steps depend on each other; one product of all of them would pretend not."""
    from tests.frontend.test_onnx_lstm import lstm_model

    onnx.save(lstm_model(), tmp_path / "lstm.onnx")
    report = api.simulate(tmp_path / "lstm.onnx", "edge-npu-1", assume="int8")
    assert report.layers[-1].on == "host"

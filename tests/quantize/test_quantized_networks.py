"""Float networks of several kinds of operators: folded, quantized, written, run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError
from npusim.quantize import Reference, calibrate, prepared, quantize, quantized_graph, scheme_named
from npusim.quantize.scheme import SCHEMES

onnxruntime = pytest.importorskip("onnxruntime")
from tests.support.onnx_models import NetworkBuilder, random_inputs  # noqa: E402


def network() -> onnx.ModelProto:
    """BatchNorm, hard swish, squeeze and excitation, concat, pooling, resize, softmax."""
    b = NetworkBuilder(5)
    x = b.conv("image", 3, 8, 3)
    statistics = [
        b.constant(f"bn{at}", b.random.uniform(0.5, 1.5, 8)) for at in range(4)
    ]  # fmt: skip
    x = b.node("HardSwish", [b.node("BatchNormalization", [x, *statistics])])
    low, high = b.constant("low", 0.0), b.constant("high", 6.0)
    y = b.node("Clip", [b.conv(x, 8, 8, 3, groups=8), low, high])
    y = b.conv(y, 8, 8, 1)
    gate = b.conv(b.node("GlobalAveragePool", [y]), 8, 8, 1)
    y = b.node("Mul", [y, b.node("Sigmoid", [gate])])
    x = b.node("Add", [x, y])
    pools = [
        b.node(op, [x], kernel_shape=[2, 2], strides=[2, 2]) for op in ("MaxPool", "AveragePool")
    ]
    x = b.node("Concat", pools, axis=1)
    logits = b.dense(b.node("Flatten", [x]), 256, 5)
    y = b.node("Softmax", [logits], axis=1)
    return b.model({"image": (1, 3, 8, 8)}, {y: (1, 5)})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("network") / "network.onnx"
    onnx.save(network(), target)
    return target


def samples(count: int) -> dict[str, np.ndarray]:
    drawn = random_inputs(network(), count)
    return {"image": np.concatenate([each["image"] for each in drawn])}


def test_folding_leaves_the_function_as_it_was(path: Path) -> None:
    graph = prepared(path)
    assert "batch_norm" not in {node.op.kind for node in graph.nodes}
    given = list(api.inferences(graph, samples(4)))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = np.concatenate([session.run(None, one)[0] for one in given])
    (found,) = Reference(graph, given).outputs.values()
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_is_written_and_runs(path: Path, name: str) -> None:
    report = quantize(path, samples(8), name).report
    assert report.runtime is not None and report.sqnr_db is not None
    assert report.sqnr_db > (8 if name == "w3a8" else 14)
    if name.startswith("w8a8"):
        assert report.runtime.wrong == 0 and report.float_in_runtime == ()


def test_a_softmax_has_the_scale_that_its_kernels_are_made_for(path: Path) -> None:
    graph = prepared(path)
    seen = calibrate(graph, list(api.inferences(graph, samples(2))))
    made = quantized_graph(graph, scheme_named("w8a8"), seen)
    (softmax,) = (node for node in made.nodes if node.op.kind == "softmax")
    grid = made.tensors[softmax.outputs[0]].quantization
    assert grid is not None and grid.scalar_scale == np.float32(1 / 256)


def test_what_is_not_supported_is_named(tmp_path: Path) -> None:
    b = NetworkBuilder()
    y = b.node("Det", [b.conv("image", 3, 4, 3)])
    onnx.save(b.model({"image": (1, 3, 8, 8)}, {y: (1, 4)}), tmp_path / "model.onnx")
    with pytest.raises(UnsupportedModelError, match="operator Det is not supported"):
        quantize(tmp_path / "model.onnx", samples(2))


def test_what_can_not_be_written_is_named_before_anything_runs(tmp_path: Path) -> None:
    b = NetworkBuilder()
    count = b.constant("count", [2], np.int64)
    x = b.node("Relu", [b.conv("image", 3, 4, 3)])
    b.nodes.append(onnx.helper.make_node("TopK", [x, count], ["top", "places"], name="top"))
    onnx.save(b.model({"image": (1, 3, 8, 8)}, {"top": (1, 4, 8, 2)}), tmp_path / "model.onnx")
    broken = {"image": np.full((2, 3, 8, 8), np.nan, np.float32)}  # would be said if it ran
    with pytest.raises(UnsupportedModelError, match=r"'top' \(top_k\): this operator is not"):
        quantize(tmp_path / "model.onnx", broken)

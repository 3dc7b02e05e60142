"""The exported file: its types, and that npusim and ONNX Runtime compute what PyTorch did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra qat)")

from onnx import TensorProto  # noqa: E402

from npusim.errors import UsageError  # noqa: E402
from npusim.frontend.onnx import read_onnx_bytes  # noqa: E402
from npusim.quantize.training.export import float_onnx_model, onnx_model  # noqa: E402
from npusim.quantize.training.model import Model, Precision  # noqa: E402
from npusim.quantize.training.networks import Conv, Network  # noqa: E402
from tests.support.evaluate import evaluate  # noqa: E402

TINY = Network(
    "tiny",
    (1, 8, 8),
    (
        Conv("stem", 1, 4, stride=2),
        Conv("each", 4, 4, depthwise=True),
        Conv("b", 4, 4, skip="stem"),
    ),
    classes=3,
)
IMAGES = (torch.randint(0, 17, (40, 1, 8, 8), generator=torch.Generator().manual_seed(1)) / 16,)


def quantized(precision: Precision) -> Model:
    """With random weights, and statistics of the images."""
    torch.manual_seed(7)
    model = Model(TINY, 1 / 240, precision)
    for _ in range(40):
        model(*IMAGES)
    model.quantize(*IMAGES)
    return model.eval()


def types_of(model: onnx.ModelProto) -> dict[str, int]:
    return {each.name: each.data_type for each in model.graph.initializer}


@pytest.mark.parametrize(
    ("bits", "stored"), ((8, TensorProto.INT8), (4, TensorProto.INT4), (3, TensorProto.INT4))
)
def test_weights_are_the_integers_of_training(bits: int, stored: int) -> None:
    model = quantized(Precision(bits))
    written = onnx_model(model)
    types = types_of(written)
    assert types["stem.weight"] == types["classifier.weight"] == stored
    assert types["stem.bias"] == TensorProto.INT32
    read = {each.name: onnx.numpy_helper.to_array(each) for each in written.graph.initializer}
    for conv in model.convs:
        expected = conv.quantizer.integers(conv.folded()[0]).numpy()
        np.testing.assert_array_equal(read[f"{conv.layer.name}.weight"].astype(int), expected)
        assert np.abs(expected).max() <= 2 ** (bits - 1) - 1


def test_biases_have_the_scale_of_their_products() -> None:
    written = onnx_model(quantized(Precision(4)))
    read = {each.name: onnx.numpy_helper.to_array(each) for each in written.graph.initializer}
    np.testing.assert_array_equal(
        read["each.bias.scale"], read["stem.scale"] * read["each.weight.scale"]
    )


@pytest.mark.parametrize("per_channel", (True, False))
@pytest.mark.parametrize("bits", (8, 4, 3))
def test_integer_kernels_give_what_pytorch_gave(bits: int, per_channel: bool) -> None:
    model = quantized(Precision(bits, 8, per_channel))
    graph = read_onnx_bytes(onnx_model(model, batch=40).SerializeToString(), Path("m.onnx"))
    kinds = {node.op.kind for node in graph.nodes}
    assert kinds == {
        "quantize",
        "conv2d",
        "add",
        "mean",
        "reshape",
        "fully_connected",
        "dequantize",
    }
    assert not any("float32" in note for note in graph.notes)
    with torch.no_grad():
        expected = model(*IMAGES).numpy()
    found = evaluate(graph, {"image": IMAGES[0].numpy()})["logits"]
    apart = np.rint(np.abs(found - expected) / model.logits.safe_step().item())
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.02


@pytest.mark.parametrize("precision", (Precision(8, 8), Precision(4, 8), Precision(4, 4)))
def test_onnx_runtime_runs_it_and_agrees(precision: Precision) -> None:
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    model = quantized(precision)
    session = runtime.InferenceSession(onnx_model(model, batch=40).SerializeToString(), options)
    (found,) = session.run(None, {"image": IMAGES[0].numpy()})
    with torch.no_grad():
        apart = np.abs(found - model(*IMAGES).numpy()) / model.logits.safe_step().item()
    assert np.rint(apart).max() <= 1


def test_activations_of_4_bits_are_uint4() -> None:
    types = types_of(onnx_model(quantized(Precision(4, 4))))
    assert types["stem.zero_point"] == types["b.conv.q.zero_point"] == TensorProto.UINT4
    assert types["image.q.zero_point"] == types["scores.zero_point"] == TensorProto.UINT8


def test_layers_on_activations_of_4_bits_are_computed_in_float_with_the_same_result() -> None:
    model = quantized(Precision(4, 4))
    graph = read_onnx_bytes(onnx_model(model, batch=40).SerializeToString(), Path("m.onnx"))
    assert any("float32" in note for note in graph.notes)
    with torch.no_grad():
        expected = model(*IMAGES).numpy()
    found = evaluate(graph, {"image": IMAGES[0].numpy()})["logits"]
    assert (np.abs(found - expected) > model.logits.safe_step().item() / 2).mean() < 0.02


def test_the_float_file_has_no_quantization() -> None:
    written = float_onnx_model(quantized(Precision()), batch=2)
    kinds = {node.op_type for node in written.graph.node}
    assert kinds == {"Conv", "Relu", "Add", "GlobalAveragePool", "Flatten", "Gemm", "Identity"}
    assert set(types_of(written).values()) == {TensorProto.FLOAT}


def test_a_network_that_is_not_quantized_is_refused() -> None:
    with pytest.raises(UsageError, match="tiny: is not quantized"):
        onnx_model(Model(TINY, 1 / 240, Precision()))

"""The bundled model: small, honestly split, and as accurate as its README says."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError
from npusim.models import bundled

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_digits.py"
SHIPPED_LIMIT_BYTES = 400_000  # the wheel's budget for models, images and README
REQUIRED_ACCURACY = 0.97
OPERATORS = {
    "Conv",
    "Add",
    "GlobalAveragePool",
    "Flatten",
    "Gemm",
    "QuantizeLinear",
    "DequantizeLinear",
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The training script as a module; needs ONNX Runtime, not scikit-learn."""
    pytest.importorskip("onnxruntime")
    spec = importlib.util.spec_from_file_location("train_digits", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(bundled.bundled_model_path())


def stored() -> dict[str, np.ndarray]:
    with np.load(bundled.bundled_model_path().parent / "digits_test.npz") as arrays:
        return dict(arrays)


def test_everything_shipped_is_small() -> None:
    folder = bundled.bundled_model_path().parent
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    models = {"digits_int8.onnx", "digits_float.onnx"}
    assert set(sizes) == {*models, "digits_test.npz", "digits_calibration.npz", "README.md"}
    assert sum(sizes.values()) < SHIPPED_LIMIT_BYTES


def test_samples_feed_the_model(model: onnx.ModelProto) -> None:
    samples = bundled.bundled_samples()
    (entry,) = model.graph.input
    images = samples.inputs[entry.name]
    shape = [axis.dim_value for axis in entry.type.tensor_type.shape.dim]
    assert list(samples.inputs) == [bundled.INPUT_NAME]
    assert shape == [1, *images.shape[1:]]
    assert images.dtype == np.float32 and samples.labels.dtype == np.int64
    assert images.min() == 0 and images.max() == 1
    assert np.bincount(samples.labels).tolist() == [50] * 10


def test_graph_holds_only_operators_that_an_npu_runs(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    assert {node.op_type for node in model.graph.node} == OPERATORS


def test_each_operator_has_integer_inputs_and_output(model: onnx.ModelProto) -> None:
    """Between any two operators stand QuantizeLinear and DequantizeLinear: no float on the way."""
    maker = {name: node.op_type for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            assert maker.get(node.input[0], "input") != "QuantizeLinear"
        elif node.op_type != "DequantizeLinear":
            assert {maker[name] for name in node.input} == {"DequantizeLinear"}, node.name
            readers = {other.op_type for other in model.graph.node if node.output[0] in other.input}
            assert readers == {"QuantizeLinear"}, node.name


def test_weights_are_symmetric_int8_per_output_channel(model: onnx.ModelProto) -> None:
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    weights = [name for name in constants if name.endswith("weight_quantized")]
    assert len(weights) == 8
    for name in weights:
        stem = name.removesuffix("_quantized")
        channels = constants[name].shape[0]
        assert constants[name].dtype == np.int8
        assert constants[name].min() >= -127  # -128 would break sign-symmetric array products
        assert constants[f"{stem}_scale"].shape == (channels,)
        assert not constants[f"{stem}_zero_point"].any()


def test_runtime_computes_it_in_integers(tmp_path: Path) -> None:
    """What ONNX Runtime measures is integer arithmetic: it fuses every operator of the graph."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # writing the fused graph warns that it is for this machine
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    providers = ["CPUExecutionProvider"]
    onnxruntime.InferenceSession(str(bundled.bundled_model_path()), options, providers=providers)
    fused = Counter(node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node)
    moved = {"Transpose", "Flatten"}
    assert {kind: count for kind, count in fused.items() if kind not in moved} == {
        "QuantizeLinear": 1,
        "QLinearConv": 7,
        "QLinearAdd": 2,
        "QLinearGlobalAveragePool": 1,
        "QGemm": 1,
        "DequantizeLinear": 1,
    }


def test_integer_accuracy(script: ModuleType) -> None:
    """Exact integer products on all held-out images; the README's figure is this measurement."""
    samples = bundled.bundled_samples()
    path = bundled.bundled_model_path()
    images = samples.inputs[bundled.INPUT_NAME]
    measured = script.accuracy(path.read_bytes(), images, samples.labels)
    assert measured >= REQUIRED_ACCURACY
    stated = re.search(r"\| INT8.*\| ([\d.]+) %", (path.parent / "README.md").read_text("utf-8"))
    assert measured == pytest.approx(float(stated[1]) / 100, abs=0.002)  # one image of 500


def test_held_out_images_are_not_trained_on(script: ModuleType) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    train, test = script.held_out(digits.target, script.TEST_PER_CLASS, script.SEED)
    arrays = stored()
    assert not set(train) & set(arrays["index"].tolist())
    assert len(train) + len(test) == len(digits.target)
    assert np.array_equal(arrays["index"], test)
    assert np.array_equal(arrays["x"][:, 0], digits.images[test])
    assert np.array_equal(arrays["y"], digits.target[test])
    trained = {image.tobytes() for image in digits.images[train].astype(np.uint8)}
    assert not trained & {image.tobytes() for image in arrays["x"]}


def test_script_scales_pixels_as_the_samples_do(script: ModuleType) -> None:
    images = bundled.bundled_samples().inputs[bundled.INPUT_NAME]
    assert np.array_equal(script.model_input(stored()["x"][:, 0]), images)


def test_exported_graph_computes_what_was_trained(script: ModuleType) -> None:
    """The numpy network and its ONNX form agree to float32 rounding on untrained weights."""
    onnxruntime = pytest.importorskip("onnxruntime")
    params = script.initial_params(np.random.RandomState(0))
    images = bundled.bundled_samples().inputs[bundled.INPUT_NAME][:5]
    exported = script.float_model(params).SerializeToString()
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    got = np.concatenate([session.run(None, {bundled.INPUT_NAME: x[None]})[0] for x in images])
    wanted = script.forward(params, images[:, 0])[1]
    assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_gradients_are_the_slope_of_the_loss(script: ModuleType) -> None:
    """Central differences in float64; biases start off zero so that no ReLU sits on its kink."""
    rng = np.random.RandomState(0)
    params = {k: v.astype(np.float64) for k, v in script.initial_params(rng).items()}
    for name, value in params.items():
        value += 0.1 * rng.randn(*value.shape) if name.endswith("bias") else 0
    images, labels = rng.rand(4, 8, 8), np.array([3, 1, 4, 1])

    def loss() -> float:
        logits = script.forward(params, images)[1]
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return -np.log(shares[np.arange(4), labels]).mean()

    grads = script.gradients(params, images, labels)
    for name, value in params.items():
        along = rng.randn(*value.shape)
        step = 1e-6
        value += step * along
        above = loss()
        value -= 2 * step * along
        slope = (above - loss()) / (2 * step)
        value += step * along
        assert slope == pytest.approx((grads[name] * along).sum(), rel=1e-4, abs=1e-8), name


def test_quantizing_the_same_weights_gives_the_same_bytes(
    script: ModuleType, tmp_path: Path
) -> None:
    model = script.float_model(script.initial_params(np.random.RandomState(0)))
    images = bundled.bundled_samples().inputs[bundled.INPUT_NAME][:8]
    for name in ("first", "second"):
        script.quantize(model, images, tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundled, "files", lambda package: tmp_path)
    with pytest.raises(ModelFileError, match=r"digits_int8\.onnx: missing from this installation"):
        bundled.bundled_model_path()

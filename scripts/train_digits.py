"""Trains and quantizes the bundled model: a small residual network on scikit-learn's digits.

    python scripts/train_digits.py                  # rewrite npusim/models/bundled
    python scripts/train_digits.py --development    # judge on training images, write nothing

Everything is seeded. The network is trained in numpy (Adam on a cross-entropy, images warped by a
random affine map, exponential mean of the weights), written as a float ONNX graph (NCHW, batch 1)
and quantized by ONNX Runtime's static quantizer to INT8 QDQ: activations per tensor, weights per
output channel and symmetric. Calibration sees training images only; the held-out images are used
once, for the accuracy that is printed. Needs scikit-learn, onnx and onnxruntime.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from npusim.quantize.training.datasets import held_out
from npusim.quantize.training.networks import DIGITS, Conv

Array = NDArray[np.float32]
Params = dict[str, Array]

OUT_DIR = Path(__file__).resolve().parents[1] / "npusim" / "models" / "bundled"
SEED = 2
TEST_PER_CLASS = 50
PIXEL_SCALE = 1 / 16  # pixels count the set dots of a 4x4 block, 0..16; the model takes 0..1
MODEL_FILE, SAMPLES_FILE = "digits_int8.onnx", "digits_test.npz"
FLOAT_FILE, CALIBRATION_FILE = "digits_float.onnx", "digits_calibration.npz"
CALIBRATION_PER_CLASS = 10
INPUT_NAME, OUTPUT_NAME = "image", "logits"
CLASSES = 10
EPOCHS, BATCH, PEAK_RATE, WEIGHT_DECAY, MEAN_DECAY = 240, 64, 3e-3, 1e-2, 0.998
OPSET, IR_VERSION = 17, 8  # old enough for any runtime of the last years; QDQ per channel needs 13


LAYERS = DIGITS.layers


# --- data -----------------------------------------------------------------------------------------


def load_images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All 1797 images [N, 8, 8] with pixels 0..16, and their digits [N]."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images.astype(np.uint8), digits.target.astype(np.uint8)


def calibration_choice(labels: NDArray[np.uint8], fitted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted indices of the first `CALIBRATION_PER_CLASS` training images of each digit."""
    few = [fitted[labels[fitted] == digit][:CALIBRATION_PER_CLASS] for digit in range(CLASSES)]
    return np.sort(np.concatenate(few))


def model_input(pixels: NDArray[np.uint8]) -> Array:
    """Pixels [N, 8, 8] to the model's float input [N, 1, 8, 8]."""
    return (pixels[:, None] * np.float32(PIXEL_SCALE)).astype(np.float32)


def warp(images: Array, rng: np.random.RandomState) -> Array:
    """Each image [N, 8, 8] seen through its own small rotation, zoom, shear and shift, bilinear."""
    count, size, _ = images.shape
    angle, shear = rng.uniform(-0.2, 0.2, (2, count))
    zoom = rng.uniform(0.88, 1.12, (2, count))
    shift = rng.uniform(-0.9, 0.9, (2, count))
    centre = (size - 1) / 2
    y, x = (np.mgrid[:size, :size] - centre)[:, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    rows = (cos * y - sin * x) * zoom[0][:, None, None] + shift[0][:, None, None] + centre
    cols = (sin * y + cos * x + shear[:, None, None] * y) * zoom[1][:, None, None]
    cols = cols + shift[1][:, None, None] + centre
    margin = size  # coordinates outside fall on zeros
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    top, left = np.floor(rows).astype(int), np.floor(cols).astype(int)
    down, right = rows - top, cols - left
    pick = np.arange(count)[:, None, None]
    out = np.zeros(images.shape)
    for i, weight_y in ((0, 1 - down), (1, down)):
        for j, weight_x in ((0, 1 - right), (1, right)):
            out += padded[pick, top + margin + i, left + margin + j] * weight_y * weight_x
    return out.astype(np.float32)


# --- the network in numpy, channels last ----------------------------------------------------------


def taps_first(layer: Conv) -> tuple[int, ...]:
    """(taps, inputs, outputs), or (taps, channels) where each channel has its own filter."""
    taps = layer.kernel * layer.kernel
    return (taps, layer.inputs) if layer.depthwise else (taps, layer.inputs, layer.outputs)


def fan_in(layer: Conv) -> int:
    """Products summed for one output value."""
    return layer.kernel * layer.kernel * (1 if layer.depthwise else layer.inputs)


def initial_params(rng: np.random.RandomState) -> Params:
    """He initialization; what a skip is added to starts small, so blocks start near identity."""
    params: Params = {}
    for layer in LAYERS:
        gain = np.sqrt(2 / fan_in(layer)) * (0.25 if layer.skip else 1)
        params[layer.name + ".weight"] = (rng.randn(*taps_first(layer)) * gain).astype(np.float32)
        params[layer.name + ".bias"] = np.zeros(layer.outputs, np.float32)
    width = LAYERS[-1].outputs
    params["classifier.weight"] = (rng.randn(width, CLASSES) / np.sqrt(width)).astype(np.float32)
    params["classifier.bias"] = np.zeros(CLASSES, np.float32)
    return params


def tap_views(layer: Conv, padded: Array) -> Iterator[Array]:
    """For each filter tap the view [N, OY, OX, C] of the padded input that it multiplies."""
    span = padded.shape[1] - layer.kernel + 1
    for tap in range(layer.kernel * layer.kernel):
        y, x = divmod(tap, layer.kernel)
        yield padded[:, y : y + span : layer.stride, x : x + span : layer.stride]


def pad(layer: Conv, x: Array) -> Array:
    """`x` [N, Y, X, C] with the layer's zero border."""
    edge = layer.kernel // 2
    return np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))


def conv_forward(layer: Conv, weight: Array, bias: Array, x: Array) -> Array:
    """Sum over taps: an element-wise product per channel, or a matrix product over channels."""
    parts = zip(tap_views(layer, pad(layer, x)), weight, strict=True)
    if layer.depthwise:
        return sum((view * w for view, w in parts), start=bias)
    return sum((view @ w for view, w in parts), start=bias)


def conv_backward(layer: Conv, weight: Array, x: Array, grad: Array) -> tuple[Array, Array]:
    """Gradients of weight and input from the gradient of the output."""
    padded = pad(layer, x)
    padded_grad, weight_grad = np.zeros_like(padded), np.empty_like(weight)
    targets = tap_views(layer, padded_grad)
    for tap, (view, target) in enumerate(zip(tap_views(layer, padded), targets, strict=True)):
        if layer.depthwise:
            weight_grad[tap] = (view * grad).sum((0, 1, 2))
            target += grad * weight[tap]
        else:
            flat = grad.reshape(-1, layer.outputs)
            weight_grad[tap] = view.reshape(-1, layer.inputs).T @ flat
            target += grad @ weight[tap].T
    edge = layer.kernel // 2
    size = x.shape[1]
    return weight_grad, padded_grad[:, edge : edge + size, edge : edge + size]


def forward(params: Params, images: Array) -> tuple[dict[str, Array], Array]:
    """Images [N, 8, 8] to the output of every layer by name, and the logits [N, 10]."""
    x = images[..., None]
    outputs = {INPUT_NAME: x}
    for layer in LAYERS:
        x = conv_forward(layer, params[layer.name + ".weight"], params[layer.name + ".bias"], x)
        x = np.maximum(x + outputs[layer.skip] if layer.skip else x, 0)
        outputs[layer.name] = x
    return outputs, x.mean((1, 2)) @ params["classifier.weight"] + params["classifier.bias"]


def gradients(params: Params, images: Array, labels: NDArray[np.uint8]) -> Params:
    """Gradient of the mean cross-entropy by back-propagation through `forward`."""
    outputs, logits = forward(params, images)
    exps = np.exp(logits - logits.max(1, keepdims=True))
    error = exps / exps.sum(1, keepdims=True)
    error[np.arange(len(labels)), labels] -= 1
    error /= len(labels)
    last = outputs[LAYERS[-1].name]
    grads = {"classifier.weight": last.mean((1, 2)).T @ error, "classifier.bias": error.sum(0)}
    pooled = error @ params["classifier.weight"].T / (last.shape[1] * last.shape[2])
    pending = {LAYERS[-1].name: np.broadcast_to(pooled[:, None, None], last.shape)}
    sources = [INPUT_NAME] + [layer.name for layer in LAYERS[:-1]]
    for layer, source in zip(LAYERS[::-1], sources[::-1], strict=True):
        grad = pending.pop(layer.name) * (outputs[layer.name] > 0)
        if layer.skip:
            pending[layer.skip] = grad
        weight = params[layer.name + ".weight"]
        grads[layer.name + ".bias"] = grad.sum((0, 1, 2))
        grads[layer.name + ".weight"], below = conv_backward(layer, weight, outputs[source], grad)
        pending[source] = pending.get(source, 0) + below
    return grads


def batches(count: int, epochs: int, rng: np.random.RandomState) -> Iterator[NDArray[np.int64]]:
    """Shuffled indices, `BATCH` at a time; the ragged end of each epoch is left out."""
    for _ in range(epochs):
        yield from rng.permutation(count)[: count // BATCH * BATCH].reshape(-1, BATCH)


def train(images: Array, labels: NDArray[np.uint8], epochs: int = EPOCHS) -> Params:
    """Adam, decoupled weight decay, cosine rate; returns the running mean of the weights."""
    rng = np.random.RandomState(SEED)
    params = initial_params(rng)
    mean = {name: value.copy() for name, value in params.items()}
    first = {name: np.zeros_like(value) for name, value in params.items()}
    second = {name: np.zeros_like(value) for name, value in params.items()}
    steps = epochs * (len(images) // BATCH)
    for step, chosen in enumerate(batches(len(images), epochs, rng), start=1):
        rate = PEAK_RATE * min(10 * step / steps, 0.5 + 0.5 * np.cos(np.pi * step / steps))
        grads = gradients(params, warp(images[chosen], rng), labels[chosen])
        keep = min(MEAN_DECAY, step / (step + 10))
        for name, value in params.items():
            first[name] += 0.1 * (grads[name] - first[name])
            second[name] += 0.001 * (grads[name] ** 2 - second[name])
            spread = np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
            value -= rate * (first[name] / (1 - 0.9**step) / spread + WEIGHT_DECAY * value)
            mean[name] += (1 - keep) * (value - mean[name])
    return mean


# --- export and quantization ----------------------------------------------------------------------


def onnx_weight(layer: Conv, weight: Array) -> Array:
    """Taps first to ONNX's (outputs, inputs per group, rows, columns)."""
    side = layer.kernel
    if layer.depthwise:
        return np.ascontiguousarray(weight.reshape(side, side, -1).transpose(2, 0, 1)[:, None])
    filters = weight.reshape(side, side, layer.inputs, layer.outputs)
    return np.ascontiguousarray(filters.transpose(3, 2, 0, 1))


def conv_nodes(layer: Conv, source: str) -> list[onnx.NodeProto]:
    """Conv, the Add of the skip if there is one, and Relu, whose output has the layer's name."""
    edge = layer.kernel // 2
    summed = f"{layer.name}.conv"
    parts = [source, f"{layer.name}.weight", f"{layer.name}.bias"]
    conv = helper.make_node(
        "Conv",
        parts,
        [summed],
        name=layer.name,
        kernel_shape=[layer.kernel] * 2,
        strides=[layer.stride] * 2,
        pads=[edge] * 4,
        group=layer.inputs if layer.depthwise else 1,
    )
    nodes = [conv]
    if layer.skip:
        added = f"{layer.name}.add"
        nodes.append(helper.make_node("Add", [layer.skip, summed], [added], name=added))
        summed = added
    nodes.append(helper.make_node("Relu", [summed], [layer.name], name=f"{layer.name}.relu"))
    return nodes


def float_model(params: Params) -> onnx.ModelProto:
    """The network as float32 ONNX: `image` [1, 1, 8, 8] to `logits` [1, 10]."""
    nodes, source = [], INPUT_NAME
    tensors = {}
    for layer in LAYERS:
        nodes += conv_nodes(layer, source)
        tensors[f"{layer.name}.weight"] = onnx_weight(layer, params[f"{layer.name}.weight"])
        tensors[f"{layer.name}.bias"] = params[f"{layer.name}.bias"]
        source = layer.name
    tensors["classifier.weight"] = np.ascontiguousarray(params["classifier.weight"].T)
    tensors["classifier.bias"] = params["classifier.bias"]
    classifier = ["features", "classifier.weight", "classifier.bias"]
    nodes += [
        helper.make_node("GlobalAveragePool", [source], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["features"], name="flatten"),
        helper.make_node("Gemm", classifier, [OUTPUT_NAME], name="classifier", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info(INPUT_NAME, onnx.TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info(OUTPUT_NAME, onnx.TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])
    onnx.checker.check_model(model, full_check=True)
    return model


class Calibration(CalibrationDataReader):
    """Hands ONNX Runtime's calibrator one image [1, 1, 8, 8] at a time."""

    def __init__(self, inputs: Array) -> None:
        self._feeds = iter({INPUT_NAME: image[None]} for image in inputs)

    def get_next(self) -> dict[str, Array] | None:
        """The next feed, or None at the end, as the calibrator expects."""
        return next(self._feeds, None)


def quantize(model: onnx.ModelProto, inputs: Array, path: Path) -> None:
    """Writes the INT8 QDQ form of `model` to `path`, ranges being the extremes over `inputs`.

    Activations are unsigned: on x86, ONNX Runtime 1.31.1 leaves four of the seven convolutions and
    both additions of the signed form in float32, and all of the unsigned form runs on integers.
    """
    own = onnx.ModelProto()
    own.CopyFrom(model)  # the quantizer moves the weights of the model that it is given to a file
    quantize_static(
        own,
        path,
        Calibration(inputs),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
    )


def accuracy(model: bytes, inputs: Array, labels: NDArray[np.uint8]) -> float:
    """Share of right answers in ONNX Runtime, with integer products that can't saturate.

    Without the entry, AVX2 and AVX-512 kernels without VNNI add pairs of products in 16 bits.
    """
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {INPUT_NAME: x[None]})[0].argmax() for x in inputs]
    return float(np.mean(np.array(answers) == labels))


def main() -> None:
    """Trains on the training images and prints float and INT8 accuracy on the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT_DIR, help="folder of the files written")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument(
        "--development",
        action="store_true",
        help="judge on images held out of the training images; writes nothing",
    )
    options = parser.parse_args()
    pixels, labels = load_images()
    fitted, judged = held_out(labels, TEST_PER_CLASS, SEED)
    if options.development:
        inner = held_out(labels[fitted], per_class=40, seed=SEED + 1)
        fitted, judged = fitted[inner[0]], fitted[inner[1]]
    inputs = model_input(pixels)
    model = float_model(train(inputs[fitted, 0], labels[fitted], options.epochs))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder if options.development else options.out) / MODEL_FILE
        quantize(model, inputs[fitted], target)
        forms = {"float32": model.SerializeToString(), "int8": target.read_bytes()}
    for form, content in forms.items():
        print(f"{form}: {accuracy(content, inputs[judged], labels[judged]):.2%} of {len(judged)}")
    if not options.development:
        (options.out / FLOAT_FILE).write_bytes(forms["float32"])
        few = calibration_choice(labels, fitted)
        np.savez_compressed(options.out / CALIBRATION_FILE, **{INPUT_NAME: inputs[few]})
        np.savez_compressed(
            options.out / SAMPLES_FILE,
            x=pixels[judged, None],
            y=labels[judged],
            scale=np.float32(PIXEL_SCALE),
            index=judged.astype(np.int16),
        )


if __name__ == "__main__":
    main()

"""ONNX models for the tests: float networks with seeded weights, quantized by ONNX Runtime.

Needs onnx and onnxruntime; the tests that import it skip without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from npusim.ir.graph import Graph
from tests.support.evaluate import evaluate

FORMATS = {"qdq": QuantFormat.QDQ, "qoperator": QuantFormat.QOperator}
TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}
MICROSOFT = "com.microsoft"


class NetworkBuilder:
    """Builds a float network node by node; every weight comes from one seeded generator."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: object, dtype: object = np.float32) -> str:
        """An initializer."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        """A node of one output, whose name is returned."""
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, list(inputs), [name], name=f"{name}_node", **attributes)
        )
        return name

    def weights(self, shape: Sequence[int]) -> str:
        """Normal weights that keep the variance of what passes through."""
        fan_in = int(np.prod(shape[1:]))
        values = self.random.standard_normal(shape) * np.sqrt(1.6 / fan_in)
        return self.constant(f"weights{len(self.constants)}", values)

    def conv(self, x: str, channels: int, filters: int, size: int, *, stride: int = 1,
             groups: int = 1) -> str:  # fmt: skip
        """A square convolution with a bias that keeps the size at stride 1."""
        w = self.weights((filters, channels // groups, size, size))
        bias = self.constant(f"bias{len(self.constants)}", self.random.normal(0, 0.1, filters))
        pads = [size // 2] * 4
        return self.node("Conv", [x, w, bias], strides=[stride] * 2, pads=pads, group=groups)

    def dense(self, x: str, channels: int, units: int, gemm: bool = True) -> str:
        """A Gemm with a bias, or a MatMul and an Add."""
        bias = self.constant(f"bias{len(self.constants)}", self.random.normal(0, 0.1, units))
        if gemm:
            return self.node("Gemm", [x, self.weights((units, channels)), bias], transB=1)
        matrix = self.random.standard_normal((channels, units)) * np.sqrt(1.6 / channels)
        product = self.node("MatMul", [x, self.constant(f"matrix{len(self.constants)}", matrix)])
        return self.node("Add", [product, bias])

    def model(self, inputs: Mapping[str, Sequence[object]], outputs: Mapping[str, Sequence[int]],
              opset: int = 17) -> onnx.ModelProto:  # fmt: skip
        """The float model."""
        ends = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in side]
            for side in (inputs.items(), outputs.items())
        ]
        graph = helper.make_graph(self.nodes, "network", *ends, self.constants)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9
        )


def resnet18(size: int, opset: int = 17, gemm: bool = True) -> onnx.ModelProto:
    """ResNet-18 for images of `size` x `size`: 8 basic blocks, global pooling, 1000 classes."""
    b = NetworkBuilder(seed=18)
    x = b.node("Relu", [b.conv("image", 3, 64, 7, stride=2)])
    x = b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for width, first in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first, 1):
            y = b.node("Relu", [b.conv(x, channels, width, 3, stride=stride)])
            y = b.conv(y, width, width, 3)
            if stride != 1 or channels != width:
                x = b.conv(x, channels, width, 1, stride=stride)
            x = b.node("Relu", [b.node("Add", [y, x])])
            channels = width
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    logits = b.dense(x, 512, 1000, gemm)
    return b.model({"image": (1, 3, size, size)}, {logits: (1, 1000)}, opset)


MOBILENET_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip
"""Expansion, channels, repetitions, stride of each stage."""


def mobilenet_v2(size: int, opset: int = 17, gemm: bool = True) -> onnx.ModelProto:
    """MobileNetV2 for images of `size` x `size`: inverted residuals, ReLU6, 1000 classes."""
    b = NetworkBuilder(seed=2)
    low, high = b.constant("low", 0.0), b.constant("high", 6.0)

    def relu6(x: str) -> str:
        return b.node("Clip", [x, low, high])

    x = relu6(b.conv("image", 3, 32, 3, stride=2))
    channels = 32
    for expansion, width, count, first in MOBILENET_V2:
        for stride in (first, *[1] * (count - 1)):
            y, hidden = x, channels * expansion
            if expansion != 1:
                y = relu6(b.conv(y, channels, hidden, 1))
            y = relu6(b.conv(y, hidden, hidden, 3, stride=stride, groups=hidden))
            y = b.conv(y, hidden, width, 1)
            x = b.node("Add", [x, y]) if stride == 1 and channels == width else y
            channels = width
    x = relu6(b.conv(x, channels, 1280, 1))
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    logits = b.dense(x, 1280, 1000, gemm)
    return b.model({"image": (1, 3, size, size)}, {logits: (1, 1000)}, opset)


def random_inputs(model: onnx.ModelProto, count: int, seed: int = 7) -> list[dict[str, np.ndarray]]:
    """Normal float32 inputs for the float inputs of `model`."""
    random = np.random.default_rng(seed)
    constants = {constant.name for constant in model.graph.initializer}
    shapes = {
        proto.name: [dim.dim_value or 1 for dim in proto.type.tensor_type.shape.dim]
        for proto in model.graph.input
        if proto.name not in constants
    }
    return [
        {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        for _ in range(count)
    ]


class _Reader(CalibrationDataReader):
    def __init__(self, samples: Sequence[dict[str, np.ndarray]]) -> None:
        self.samples = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.samples, None)


def quantize(
    model: onnx.ModelProto, folder: Path, fmt: str, *, activations: str = "uint8",
    weights: str = "int8", per_channel: bool = True, **options: object,
) -> Path:  # fmt: skip
    """`model` quantized statically by ONNX Runtime, calibrated on four random inputs."""
    source, target = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(model, source)
    quantize_static(
        str(source), str(target), _Reader(random_inputs(model, 4, seed=1)),
        quant_format=FORMATS[fmt], activation_type=TYPES[activations],
        weight_type=TYPES[weights], per_channel=per_channel, **options,
    )  # fmt: skip
    return target


def session(
    model: onnx.ModelProto | Path, optimized: Path | None = None, int8: bool = False
) -> onnxruntime.InferenceSession:
    """ONNX Runtime with its exact integer kernels.

    Kernels on uint8 activations are exact with x64quantprecision. Those on int8 (`int8`) are exact
    by themselves, once nothing turns int8 into uint8. One thread, since more of them change the
    order of some float32 sums.
    """
    options = onnxruntime.SessionOptions()
    exact = "session.qdqisint8allowed" if int8 else "session.x64quantprecision"
    options.add_session_config_entry(exact, "1")
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def expose(path: Path, graph: Graph) -> onnx.ModelProto:
    """The model at `path` with every integer tensor of `graph` that it has as an output."""
    model = onnx.load(path)
    known = {output.name for output in model.graph.output}
    written = {name for node in model.graph.node for name in node.output}
    for node in graph.nodes:
        for name in node.outputs:
            fmt = graph.tensors[name].format
            if name in written and name not in known and fmt.is_integer:
                kind = helper.np_dtype_to_tensor_dtype(np.dtype(fmt.dtype))
                model.graph.output.append(helper.make_tensor_value_info(name, kind, None))
    return model


def wrong_elements(
    graph: Graph, oracle: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray],
    path: str = "reference",
) -> dict[str, int]:  # fmt: skip
    """For each output of `oracle` the number of elements in which `graph` differs."""
    names = [output.name for output in oracle.get_outputs()]
    values = evaluate(graph, inputs, path=path)
    wrong = {}
    for name, expected in zip(names, oracle.run(None, inputs), strict=True):
        found = values[name]
        assert found.dtype == expected.dtype and found.shape == expected.shape, name
        wrong[name] = int((found != expected).sum())
    return wrong

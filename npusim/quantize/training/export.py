"""A trained quantized network as ONNX in Q/DQ form: the integers and scales that it trained with.

Weights are int8, or int4 where they have 4 or 3 bits (ONNX has no type of 3); activations uint8 or
uint4 with a zero point; biases int32 at the scale of their products. Each layer's sum is rounded
once, by the QuantizeLinear behind it, so integer kernels can fuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from npusim.errors import Problem, UsageError
from npusim.numerics.packing import pack_int4
from npusim.quantize.training.model import ConvProduct, Model, Product
from npusim.quantize.training.quantizers import ActivationQuantizer

OPSET, IR_VERSION = 21, 10
"""The first with integers of 4 bits, and its form of file."""

INPUT_NAME, OUTPUT_NAME = "image", "logits"

SIGNED = {8: TensorProto.INT8, 4: TensorProto.INT4, 3: TensorProto.INT4}
UNSIGNED = {8: TensorProto.UINT8, 4: TensorProto.UINT4}
"""Element types by bits."""

Array = NDArray[Any]


def onnx_model(model: Model, batch: int = 1) -> onnx.ModelProto:
    """`model` for `batch` images a run: `image` float32 to `logits` float32 [batch, classes].

    UsageError if it is not quantized.
    """
    if not model.is_quantized:
        raise UsageError(Problem(model.network.name, "is not quantized: train it quantized first"))
    return _written(_Writer(), model, batch, model.precision.name)


def float_onnx_model(model: Model, batch: int = 1) -> onnx.ModelProto:
    """The same network without its quantization: float32, BatchNorm folded."""
    return _written(_FloatWriter(), model, batch, "float32")


def _written(writer: _Writer, model: Model, batch: int, form: str) -> onnx.ModelProto:
    with torch.no_grad():
        _write_layers(writer, model)
    network = model.network
    graph = helper.make_graph(
        writer.nodes,
        f"{network.name}_{form}",
        [_info(INPUT_NAME, batch, *network.image)],
        [_info(OUTPUT_NAME, batch, network.classes)],
        writer.initializers,
    )
    opset = helper.make_opsetid("", OPSET)
    written = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])
    onnx.checker.check_model(written, full_check=True)
    return written


def _write_layers(writer: _Writer, model: Model) -> None:
    source = model.image
    x = writer.quantized(INPUT_NAME, source, f"{INPUT_NAME}.q")
    done: dict[str, str] = {}
    for conv in model.convs:
        layer = conv.layer
        summed = writer.conv(conv, x, source)
        if layer.skip:
            part = writer.quantized(summed, model.sums[layer.name], f"{summed}.q")
            summed = writer.node("Add", [part, done[layer.skip]], f"{layer.name}.add")
        source = model.outputs[layer.name]
        positive = writer.node("Relu", [summed], f"{layer.name}.relu")
        x = done[layer.name] = writer.quantized(positive, source, layer.name)
    pooled = writer.node("GlobalAveragePool", [x], "pool")
    flat = writer.node("Flatten", [writer.quantized(pooled, model.pooled, "pooled")], "flatten")
    features = writer.quantized(flat, model.pooled, "features")
    scores = writer.gemm(model.classifier, features, model.pooled)
    writer.quantized(scores, model.logits, "scores", OUTPUT_NAME)


class _Writer:
    """Nodes and constants of the model under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[TensorProto] = []

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node called as its output, which is given back."""
        made = helper.make_node(kind, list(inputs), [output], name=output, **attributes)
        self.nodes.append(made)
        return output

    def quantized(self, x: str, quantizer: ActivationQuantizer, name: str, real: str = "") -> str:
        """`x` rounded to stored integers called `name`; its value again is `real`."""
        grid = self._constants(
            name, quantizer.safe_step().numpy()[0], np.array(quantizer.grid.zero),
            UNSIGNED[quantizer.bits],
        )  # fmt: skip
        stored = self.node("QuantizeLinear", [x, *grid], name)
        return self.node("DequantizeLinear", [stored, *grid], real or f"{name}.real")

    def conv(self, conv: ConvProduct, x: str, source: ActivationQuantizer) -> str:
        """The convolution of `x`, which `source` quantized."""
        layer = conv.layer
        return self.node(
            "Conv", [x, *self._parameters(layer.name, conv, source)], f"{layer.name}.conv",
            kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2,
            pads=[layer.kernel // 2] * 4, group=layer.inputs if layer.depthwise else 1,
        )  # fmt: skip

    def gemm(self, product: Product, x: str, source: ActivationQuantizer) -> str:
        """The classifier on `x`, which `source` quantized."""
        parameters = self._parameters("classifier", product, source)
        return self.node("Gemm", [x, *parameters], "classifier", transB=1)

    def _parameters(self, name: str, product: Product, source: ActivationQuantizer) -> list[str]:
        """Dequantized weight and bias of a layer."""
        weight, bias = product.folded()
        quantizer = product.quantizer
        step = quantizer.safe_step().reshape(-1)
        bias_step = (source.safe_step() * step).numpy()
        stored = quantizer.integers(weight).numpy()
        whole = np.rint(bias.numpy() / bias_step)
        elem_type = SIGNED[quantizer.bits]
        return [
            self._learned(f"{name}.weight", stored, step.numpy(), elem_type),
            self._learned(f"{name}.bias", whole, bias_step, TensorProto.INT32),
        ]

    def _learned(self, name: str, integers: Array, step: Array, elem_type: int) -> str:
        """A constant of `integers` and its value; one `step` for all, or one for each row."""
        scale = step[0] if step.size == 1 else step
        zeros = np.zeros_like(scale)
        stored = self._stored(name, integers, elem_type)
        grid = self._constants(name, scale, zeros, elem_type)
        axis = {} if scale.ndim == 0 else {"axis": 0}
        return self.node("DequantizeLinear", [stored, *grid], f"{name}.real", **axis)

    def _constants(self, name: str, step: Array, zero: Array, elem_type: int) -> list[str]:
        scale = numpy_helper.from_array(np.asarray(step, np.float32), f"{name}.scale")
        self.initializers.append(scale)
        return [scale.name, self._stored(f"{name}.zero_point", zero, elem_type)]

    def _stored(self, name: str, integers: Array, elem_type: int) -> str:
        if elem_type in (TensorProto.INT4, TensorProto.UINT4):
            raw = pack_int4(integers.astype(np.int8)).tobytes()
        else:
            raw = integers.astype(helper.tensor_dtype_to_np_dtype(elem_type)).tobytes()
        made = helper.make_tensor(name, elem_type, integers.shape, raw, raw=True)
        self.initializers.append(made)
        return name


class _FloatWriter(_Writer):
    """Leaves all rounding out."""

    def quantized(self, x: str, quantizer: ActivationQuantizer, name: str, real: str = "") -> str:
        """See `_Writer`; the value as it is."""
        return self.node("Identity", [x], real) if real else x

    def _parameters(self, name: str, product: Product, source: ActivationQuantizer) -> list[str]:
        parts = zip(("weight", "bias"), product.folded(), strict=True)
        made = [numpy_helper.from_array(v.numpy(), f"{name}.{part}") for part, v in parts]
        self.initializers += made
        return [each.name for each in made]


def _info(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

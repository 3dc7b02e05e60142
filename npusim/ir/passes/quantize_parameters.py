"""Quantizes float32 weights and biases of an operator between a dequantization and a quantization.

That is what ONNX Runtime does with Conv, ConvTranspose and Gemm of a model whose activations alone
are quantized (its `WeightBiasQuantization`): weights per tensor to int8 over their range, zero
included; a bias to int32 in the product of both scales, half to even.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.scaled import FLOATS
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.passes.hoist_quantization import HOISTED_BY_ONNX_RUNTIME
from npusim.ir.passes.rewrite import only_reader, producers, rebuilt
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT8, INT32
from npusim.numerics.quantization import Quantization

KINDS = ("conv2d", "transposed_conv2d", "fully_connected")


def quantize_parameters(graph: Graph) -> Graph:
    """`graph` with int8 weights and int32 biases where the module's docstring says so, noted."""
    writers, readers = producers(graph), graph.consumers()
    changed: dict[str, Tensor] = {}
    nodes, named = [], []
    for node in graph.nodes:
        before = _source(writers, node) if node.op.kind in KINDS else None
        after = only_reader(graph, node.outputs[0], readers)
        between = before is not None and before.op.kind == "dequantize"
        if between and before and after is not None and after.op.kind == "quantize":
            stored = _stored(graph, node, graph.tensors[before.inputs[0]])
            if stored:
                changed.update({tensor.name: tensor for tensor in stored.values()})
                inputs = [stored[name].name if name in stored else name for name in node.inputs]
                node = replace(node, inputs=tuple(inputs))
                named.append(f"'{node.name}'")
        nodes.append(node)
    if not named:
        return graph
    note = (
        "float32 weights or biases between quantized activations are quantized as ONNX Runtime "
        f"does, weights to int8 per tensor: {', '.join(named)}"
    )
    return replace(rebuilt(graph, nodes, changed), notes=(*graph.notes, note))


def _source(writers: dict[str, Node], node: Node) -> Node | None:
    """What writes the input of `node`, over what ONNX Runtime moves a DequantizeLinear."""
    found = writers.get(node.inputs[0])
    while found is not None and found.op.kind in HOISTED_BY_ONNX_RUNTIME:
        found = writers.get(found.inputs[0])
    return found


def _stored(graph: Graph, node: Node, x: Tensor) -> dict[str, Tensor]:
    """The parameters of `node` that are quantized, by the names that they have now."""
    weights = graph.tensors[node.inputs[1]]
    bias = graph.tensors[node.inputs[2]] if len(node.inputs) > 2 and node.inputs[2] else None
    is_product = isinstance(node.op, FullyConnected) and node.op.keep_num_dims
    if is_product or weights.data is None or x.quantization is None or x.format in FLOATS:
        return {}
    stored: dict[str, Tensor] = {}
    if weights.format == FP32:
        stored[weights.name] = _int8(weights, f"{node.name}_stored_weights")
    scales = stored.get(weights.name, weights).quantization
    per_phase = node.op.kind == "transposed_conv2d" and scales and not scales.is_per_tensor
    if scales is None or bias is None or bias.format != FP32 or bias.data is None or per_phase:
        return stored
    if scales.scale.ndim > 1:  # scales of blocks: a bias is in the scale of none of them
        return stored
    scale = x.quantization.scalar_scale * scales.scale
    steps = np.rint(bias.data.reshape(-1) / scale)
    bounded = np.clip(steps, np.float32(INT32.low), np.float32(INT32.high - 127))
    name = f"{node.name}_stored_bias"
    quantization = Quantization(
        scale, np.zeros(scale.size, np.int32), 0 if scale.size > 1 else None
    )
    stored[bias.name] = Tensor(name, (bias.size,), INT32, quantization, bounded.astype(np.int32))
    return stored


def _int8(weights: Tensor, name: str) -> Tensor:
    """float32 weights over their range, which includes 0, as 256 steps."""
    assert weights.data is not None
    found = Quantization.covering(weights.data, INT8)
    steps = np.rint(weights.data / found.scalar_scale) + found.scalar_zero_point
    data = np.clip(steps, INT8.low, INT8.high).astype(np.int8)
    return Tensor(name, weights.shape, INT8, found, data, weights.channel_axis)

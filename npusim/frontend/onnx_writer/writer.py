"""A Graph as an ONNX model in Q/DQ form: every operator on reals, between its integers.

What the file says is the graph's own: inputs and outputs keep names, shapes and formats. The
operators read dequantized integers and write quantized ones, as ONNX Runtime's tools write them, so
that the runtime fuses them back. On 8 bits its results are those of npusim under the profile
`onnx`. For integers of other widths it has no kernels and computes in float32; its optimizer makes
of 8-bit floats a QLinearConv that it then calls invalid, so they need a session without it.
"""

from __future__ import annotations

from collections.abc import Mapping

from onnx import ModelProto, ValueInfoProto, helper

from npusim.errors import Problem, UnsupportedModelError
from npusim.frontend.onnx_writer import dynamic, elements, images, movements, norms, products
from npusim.frontend.onnx_writer.products import Handler
from npusim.frontend.onnx_writer.values import TYPES, UnwritableError, Values
from npusim.ir.graph import Graph, Node
from npusim.ir.passes.hoist_quantization import HOISTED_BY_ONNX_RUNTIME
from npusim.ir.passes.quantize_parameters import KINDS
from npusim.ir.passes.rewrite import only_reader, producers
from npusim.numerics.formats import FP32

OPSET = 21
"""The version of the operators that are written."""
IR_VERSION = 10
"""The version of the format that goes with it."""
MICROSOFT_OPSET = 1

MAX_BYTES = 2**31 - 2**20
"""What a protobuf message can hold, with room for everything but the constants."""

WRITERS: Mapping[str, Handler] = {
    **dynamic.OPERATORS,
    **elements.OPERATORS,
    **images.OPERATORS,
    **movements.OPERATORS,
    **norms.OPERATORS,
    **products.OPERATORS,
}
"""What writes each operator, by its kind."""


def onnx_model(graph: Graph) -> ModelProto:
    """`graph` as an ONNX model; UnsupportedModelError names everything that can't be written."""
    _check(graph)
    values = Values(graph)
    problems = _would_be_quantized(graph)
    inputs = [_declared(values, name, problems) for name in graph.inputs]
    values.stored.update({(name, False): name for name in graph.inputs})
    for node in graph.nodes:
        _write(values, node, problems)
    for name in graph.outputs:
        _require_output(values, name, problems)
    outputs = [_declared(values, name, problems) for name in graph.outputs]
    if problems:
        raise UnsupportedModelError(problems)
    return _assembled(values, inputs, outputs)


def _check(graph: Graph) -> None:
    reason = ""
    if graph.weightless:
        reason = "a layer table has no weights"
    elif graph.counted_only:
        reason = f"it can be counted only: {graph.counted_only}"
    elif graph.states:
        reason = "a model that keeps a state from inference to inference is not written as ONNX"
    elif sum(tensor.size_bytes for tensor in graph.constants()) > MAX_BYTES:
        reason = "its constants are more than an ONNX file holds"
    if reason:
        raise UnsupportedModelError(Problem(graph.name, reason))


def _would_be_quantized(graph: Graph) -> list[Problem]:
    """Products in float32 that ONNX Runtime, reading the file, would make products of integers.

    It quantizes float32 weights and biases of Conv, ConvTranspose and Gemm between a
    DequantizeLinear and a QuantizeLinear (`ir/passes/quantize_parameters.py`).
    """
    writers, readers = producers(graph), graph.consumers()
    problems = []
    for node in graph.nodes:
        if node.op.kind not in KINDS or _is_matmul(node):
            continue
        parameters = [graph.tensors[name].format for name in node.inputs[1:] if name]
        before = writers.get(node.inputs[0])
        while before is not None and before.op.kind in HOISTED_BY_ONNX_RUNTIME:
            before = writers.get(before.inputs[0])
        after = only_reader(graph, node.outputs[0], readers)
        between = before is not None and before.op.kind == "dequantize"
        if FP32 in parameters and between and after is not None and after.op.kind == "quantize":
            what = "is in float32 between integers: ONNX Runtime would quantize its parameters"
            problems.append(Problem(f"node '{node.name}' ({node.op.kind})", what))
    return problems


def _is_matmul(node: Node) -> bool:
    """True for a product that is written as MatMul, whose parameters stay as they are."""
    has_bias = len(node.inputs) > 2 and bool(node.inputs[2])
    return getattr(node.op, "keep_num_dims", False) and not has_bias


def _write(values: Values, node: Node, problems: list[Problem]) -> None:
    where = f"node '{node.name}' ({node.op.kind})"
    write = WRITERS.get(node.op.kind)
    try:
        if write is None:
            raise UnwritableError(f"operator {node.op.kind} is not written as ONNX")
        write(values, node)
    except UnwritableError as error:
        problems.append(Problem(where, str(error)))
        values.stored.update({(name, False): name for name in node.outputs if name})


def _require_output(values: Values, name: str, problems: list[Problem]) -> None:
    """Make the form of an output that the model gives: that of the graph, under its own name."""
    try:
        if values.stored_value(name) != name:
            values.emit("Identity", [values.stored[name, False]], name)
    except UnwritableError as error:
        problems.append(Problem(f"output '{name}'", str(error)))


def _declared(values: Values, name: str, problems: list[Problem]) -> ValueInfoProto:
    tensor = values.graph.tensors[name]
    if tensor.format.name not in TYPES:
        what = f"is {tensor.format.name}; {', '.join(TYPES)} are written"
        problems.append(Problem(f"tensor '{name}'", what))
        return ValueInfoProto()
    return helper.make_tensor_value_info(name, TYPES[tensor.format.name], tensor.shape)


def _assembled(
    values: Values, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]
) -> ModelProto:
    from npusim import __version__

    body = helper.make_graph(
        values.nodes, values.graph.name or "model", inputs, outputs, values.initializers
    )
    imports = [helper.make_opsetid("", OPSET)]
    if any(node.domain for node in values.nodes):
        imports.append(helper.make_opsetid("com.microsoft", MICROSOFT_OPSET))
    return helper.make_model(
        body, opset_imports=imports, ir_version=IR_VERSION, producer_name="npusim",
        producer_version=__version__,
    )  # fmt: skip

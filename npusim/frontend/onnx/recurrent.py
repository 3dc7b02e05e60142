"""LSTM: one node with three outputs."""

from __future__ import annotations

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import checked_shape
from npusim.ir.graph import Node
from npusim.ir.ops.lstm import Direction, Lstm
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32

DIRECTIONS = {
    "forward": Direction.FORWARD,
    "reverse": Direction.REVERSE,
    "bidirectional": Direction.BOTH,
}
USUAL = ("sigmoid", "tanh", "tanh")
SEQUENCE_LENGTHS, PEEPHOLES = 4, 7
"""Inputs that are not supported."""
INPUTS = (0, 1, 2, 3, 5, 6)
OUTPUTS = ("y", "last_h", "last_c")


def lstm(ctx: Context, source: Source) -> None:
    """LSTM with its usual activations, weights that are constants, and no peepholes."""
    direction = DIRECTIONS.get(source.text("direction", "forward"))
    if direction is None:
        raise DamagedNodeError(f"attribute 'direction' is '{source.text('direction', '')}'")
    _check(ctx, source, len(direction.value))
    op = Lstm(source.integer("hidden_size", 0), direction)
    inputs: list[Tensor | None] = [ctx.activation(source, 0)]
    for index in INPUTS[1:]:
        weights = 1 <= index <= 3
        if not source.input(index):
            inputs.append(None)
        else:
            inputs.append((ctx.real_constant if weights else ctx.activation)(source, index))
    try:
        shapes = op.infer_shapes(inputs)
    except ValueError as error:
        raise DamagedNodeError(str(error)) from None
    names = []
    for at, shape in enumerate(shapes):
        given = source.outputs[at] if at < len(source.outputs) else ""
        name = given or f"{source.name}_{OUTPUTS[at]}"
        ctx.tensors[name] = Tensor(name, checked_shape(shape), FP32)
        names.append(name)
    read = tuple("" if tensor is None else tensor.name for tensor in inputs)
    ctx.nodes.append(Node(source.name, op, read, tuple(names)))


def _check(ctx: Context, source: Source, ways: int) -> None:
    """Refuse what no kernel computes."""
    activations = source.attributes.get("activations", ())
    named = tuple(str(each).lower() for each in activations) if activations else USUAL * ways
    refused = {
        "activations other than Sigmoid, Tanh, Tanh": named != USUAL * ways,
        "clip": "clip" in source.attributes,
        "input_forget = 1": bool(source.integer("input_forget", 0)),
        "layout = 1": bool(source.integer("layout", 0)),
        "peepholes": bool(source.input(PEEPHOLES)),
    }
    found = [what for what, given in refused.items() if given]
    if source.input(SEQUENCE_LENGTHS):
        lengths = ctx.constants.get(ctx.name_of(source, SEQUENCE_LENGTHS))
        steps = ctx.activation(source, 0).shape[:1]
        if lengths is None or any(int(length) not in steps for length in lengths.reshape(-1)):
            found.append("lengths of each sequence")
    if found:
        raise UnsupportedNodeError(f"{' and '.join(found)} of an LSTM is not supported")

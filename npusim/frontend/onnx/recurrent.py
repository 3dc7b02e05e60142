"""LSTM, GRU and RNN: one node with an output for the sequence and one for each state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.products import before
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.recurrent.gru import Gru
from npusim.ir.ops.recurrent.lstm import Lstm
from npusim.ir.ops.recurrent.recurrent import Direction, Recurrent
from npusim.ir.ops.recurrent.rnn import Rnn
from npusim.ir.tensor import Tensor

DIRECTIONS = {
    "forward": Direction.FORWARD,
    "reverse": Direction.REVERSE,
    "bidirectional": Direction.BOTH,
}
SEQUENCE_LENGTHS, PEEPHOLES = 4, 7
"""Inputs that are not supported."""
WEIGHTS, STATES = (1, 2, 3), (5, 6)
OUTPUTS = ("y", "last_h", "last_c")

Known = TypeVar("Known")


def lstm(ctx: Context, source: Source) -> None:
    """LSTM with its usual activations, weights that are constants, and no peepholes."""
    _activation(source, {("sigmoid", "tanh", "tanh"): None})
    flags = {"input_forget = 1": bool(source.integer("input_forget", 0)),
             "peepholes": bool(source.input(PEEPHOLES))}  # fmt: skip
    _emit(ctx, source, Lstm(source.integer("hidden_size", 0), _direction(source)), flags)


def gru(ctx: Context, source: Source) -> None:
    """GRU with its usual activations and weights that are constants."""
    _activation(source, {("sigmoid", "tanh"): None})
    reset_after = bool(source.integer("linear_before_reset", 0))
    op = Gru(source.integer("hidden_size", 0), _direction(source), reset_after)
    _emit(ctx, source, op, {})


def rnn(ctx: Context, source: Source) -> None:
    """RNN whose activation is Tanh or Relu, with weights that are constants."""
    rectified = _activation(source, {("tanh",): False, ("relu",): True})
    _emit(ctx, source, Rnn(source.integer("hidden_size", 0), _direction(source), rectified), {})


def _direction(source: Source) -> Direction:
    direction = DIRECTIONS.get(source.text("direction", "forward"))
    if direction is None:
        raise DamagedNodeError(f"attribute 'direction' is '{source.text('direction', '')}'")
    return direction


def _activation(source: Source, known: dict[tuple[str, ...], Known]) -> Known:
    """What `known` has for the activations; its first entry are those that need no name."""
    usual = next(iter(known))
    ways = len(_direction(source).value)
    given = source.attributes.get("activations", ())
    named = tuple(str(each).lower() for each in given) if given else usual * ways
    for activations, value in known.items():
        if named == activations * ways:
            return value
    choice = " or ".join(", ".join(each.title() for each in names) for names in known)
    what = f"activations other than {choice} of {source.operator} are not supported"
    raise UnsupportedNodeError(what)


def _emit(ctx: Context, source: Source, op: Recurrent, refused: dict[str, bool]) -> None:
    """Add the node; `refused` says what no kernel computes, and whether the node has it."""
    batch_first = bool(source.integer("layout", 0))
    x = ctx.activation(source, 0)
    _check(ctx, source, x.shape[1:2] if batch_first else x.shape[:1], refused)
    inputs: list[Tensor | None] = [x]
    for index in (*WEIGHTS, *STATES[: op.states]):
        read: Callable[[Source, int], Tensor]
        read = ctx.real_constant if index in WEIGHTS else ctx.activation
        inputs.append(read(source, index) if source.input(index) else None)
    outputs = [(role, x.format) for role in OUTPUTS[: 1 + op.states]]
    if not batch_first:
        ctx.emit_each(source, op, inputs, outputs)
        return
    for at in (0, *range(1 + len(WEIGHTS), len(inputs))):
        given = inputs[at]
        if given is not None:
            inputs[at] = before(ctx, source, Transpose((1, 0, 2)), [given], f"steps_first{at}")
    inner = replace(source, outputs=tuple(f"{source.name}_{role}_first" for role, _ in outputs))
    ctx.emit_each(inner, op, inputs, outputs)
    for name, given_name in zip(inner.outputs, source.outputs, strict=False):
        if given_name:
            found = ctx.tensors[name]
            moved = Transpose((2, 0, 1, 3) if len(found.shape) == 4 else (1, 0, 2))
            (shape,) = ctx.shapes_of(moved, [found])
            ctx.add_node(f"{name}_moved", moved, [found], given_name, shape, x.format, None)


def _check(ctx: Context, source: Source, steps: tuple[int, ...], refused: dict[str, bool]) -> None:
    """Refuse what no kernel computes; `steps` is the length of the sequence."""
    refused = {
        **refused,
        "clip": "clip" in source.attributes,
    }
    found = [what for what, given in refused.items() if given]
    if source.input(SEQUENCE_LENGTHS):
        lengths = ctx.constants.get(ctx.name_of(source, SEQUENCE_LENGTHS))
        if lengths is None or any(int(length) not in steps for length in lengths.reshape(-1)):
            found.append("lengths of each sequence")
    if found:
        raise UnsupportedNodeError(f"{' and '.join(found)} of {source.operator} is not supported")

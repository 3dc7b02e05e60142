"""UNIDIRECTIONAL_SEQUENCE_LSTM of TFLite on 8 bits: one chain of operators a time step.

The inputs' products with the weights of all gates are one operator; each time step then multiplies
the last output with the recurrent weights and updates the cell, one step after the other. What a
model of TFLite keeps in variable tensors (the last output and the cell) is a state of the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from npusim.frontend.tflite.real_lstm import real_lstm
from npusim.frontend.tflite.source import Source, Step, UnsupportedNodeError
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.recurrent.lstm_cell import LstmCell
from npusim.ir.ops.recurrent.lstm_product import LstmProduct
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT8, INT16, INT32, Format
from npusim.numerics.lstm import GATE_SCALE, cell_bits
from npusim.numerics.quantization import Quantization

MOST_STEPS = 1024
"""Time steps of a sequence that are unrolled; each is two or three operators of the graph."""

_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _PEEPHOLES, _BIASES = 1, 5, 9, 12
_PROJECTION, _PROJECTION_BIAS = 16, 17
_OUTPUT_STATE, _CELL_STATE, _LAYER_NORM = 18, 19, 20
_GATES = Quantization.per_tensor(GATE_SCALE, 0)


@dataclass(frozen=True, eq=False)
class _Lstm:
    """The tensors of one node; `units` are cells, `first` is 1 if the input gate is coupled."""

    source: Source
    first: int
    units: int
    time_axis: int
    steps: int

    def named(
        self, name: str, shape: tuple[int, ...], fmt: Format, quantization: Quantization | None
    ) -> Tensor:
        """A tensor between operators of this node."""
        return Tensor(f"{self.source.outputs[0].name}:{name}", shape, fmt, quantization)


def lstm(source: Source) -> list[Step]:
    """The operators of all time steps; on float32 that is one."""
    x, y = source.input(0), source.outputs[0]
    if x.format == FP32:
        return real_lstm(source)
    first = 1 if source.optional(_INPUT_WEIGHTS) is None else 0
    time_axis = 0 if source.options.get("TimeMajor") else 1
    forget = source.input(_INPUT_WEIGHTS + 1)
    if len(x.shape) != 3 or len(forget.shape) != 2:
        raise ValueError(f"a sequence of shape {x.shape} and weights of shape {forget.shape}")
    if x.shape[time_axis] > MOST_STEPS:
        raise UnsupportedNodeError(f"more than {MOST_STEPS} time steps are not supported")
    node = _Lstm(source, first, forget.shape[0], time_axis, x.shape[time_axis])
    _check(node, x.shape[1 - time_axis])
    gates, steps = _input_gates(node, x)
    weights = _joined(node, _RECURRENT_WEIGHTS, "recurrent_weights")
    hidden = []
    last, cell = source.input(_OUTPUT_STATE), source.input(_CELL_STATE)
    for at in range(node.steps):
        made, last, cell = _step(node, at, weights, gates, last, cell)
        steps += made
        shape = list(y.shape)
        shape[time_axis] = 1
        hidden.append(node.named(f"output_{at}", tuple(shape), INT8, y.quantization))
        steps.append(Step(Reshape(tuple(shape)), (last,), (hidden[-1],)))
    if node.steps == 1:
        steps[-1] = replace(steps[-1], outputs=(y,))
    else:
        steps.append(Step(Concat(time_axis), tuple(hidden), (y,)))
    return steps


def _check(node: _Lstm, rows: int) -> None:
    """Refuse what the operators do not compute; ValueError where the file contradicts itself."""
    source = node.source
    if source.options.get("DiagonalRecurrentTensors"):
        raise UnsupportedNodeError("diagonal recurrent weights are not supported")
    if any(source.optional(at) is not None for at in range(_LAYER_NORM, _LAYER_NORM + 4)):
        raise UnsupportedNodeError("layer normalization inside an LSTM is not supported")
    last, cell, y = source.input(_OUTPUT_STATE), source.input(_CELL_STATE), source.outputs[0]
    found = [source.input(0), last, y]
    if any(tensor.format != INT8 for tensor in found) or cell.format != INT16:
        names = ", ".join(tensor.format.name for tensor in (*found, cell))
        what = f"an LSTM has inputs and outputs of int8 and a cell of int16, not {names}"
        raise UnsupportedNodeError(f"{what} (input, last output, output, cell)")
    if source.input(0).quantization is None or y.quantization is None:
        raise ValueError("the input or the output has no scale")
    if last.quantization is None or cell.quantization is None:
        raise ValueError("a state has no scale")
    if not last.quantization.same_as(y.quantization):
        raise UnsupportedNodeError("an output and its state of different scales are not supported")
    try:
        cell_bits(cell.quantization)
    except ValueError as error:
        raise UnsupportedNodeError(str(error)) from None
    depth = source.input(0).shape[2]
    projected = source.optional(_PROJECTION) is not None
    outputs = source.input(_PROJECTION).shape[0] if projected else node.units
    if last.shape != (rows, outputs) or cell.shape != (rows, node.units):
        raise UnsupportedNodeError(
            f"states of shapes {last.shape} and {cell.shape} are not ({rows}, {outputs}) and "
            f"({rows}, {node.units})"
        )
    for start, columns in ((_INPUT_WEIGHTS, depth), (_RECURRENT_WEIGHTS, outputs)):
        for at in range(start + node.first, start + 4):
            _weights(source.input(at), (node.units, columns))
    if projected:
        _weights(source.input(_PROJECTION), (outputs, node.units))
        bias = source.optional(_PROJECTION_BIAS)
        if bias is not None:
            _vector(bias, outputs, INT32)
    _check_peepholes(node, projected)
    _check_hidden(source)
    if y.shape != (*source.input(0).shape[:2], outputs):
        raise ValueError(f"an output of shape {y.shape} for a sequence {source.input(0).shape}")
    for name in ("CellClip", "ProjClip"):
        if not 0 <= float(source.options.get(name, 0.0)) < np.inf:
            raise ValueError(f"{name} is {source.options[name]}")


def _check_peepholes(node: _Lstm, projected: bool) -> None:
    """Peephole weights exist for every gate or for none; so do all tensors of the input gate."""
    source = node.source
    given = [source.optional(_PEEPHOLES + at) for at in range(node.first, 3)]
    if node.first and any(
        source.optional(at) is not None for at in (_RECURRENT_WEIGHTS, _PEEPHOLES, _BIASES)
    ):
        raise ValueError("the input gate has some of its tensors, but no weights of the input")
    peepholes = [tensor for tensor in given if tensor is not None]
    if peepholes and len(peepholes) < len(given):
        raise ValueError("some gates have peephole weights, others do not")
    if peepholes and projected:
        raise UnsupportedNodeError("peepholes together with a projection are not supported")
    for tensor in peepholes:
        _vector(tensor, node.units, INT16)
        if tensor.quantization is None or not tensor.quantization.is_per_tensor:
            raise ValueError(f"peephole weights '{tensor.name}' do not have one scale")


def _vector(tensor: Tensor, size: int, fmt: Format) -> None:
    """ValueError unless `tensor` is a constant vector of this size and format."""
    if tensor.data is None or tensor.format != fmt or tensor.shape != (size,):
        found = f"{tensor.format.name} {tensor.shape}"
        raise ValueError(f"'{tensor.name}' is {found}, not a constant {fmt.name} ({size},)")


def _check_hidden(source: Source) -> None:
    """The scale and zero point of the hidden values must be there, and be an int8 tensor's."""
    if "HiddenScale" not in source.options:
        raise ValueError("the scale of the hidden values is absent")
    scale, zero = source.options["HiddenScale"], source.options["HiddenZero"]
    if not 0 < scale < np.inf or not INT8.low <= zero <= INT8.high:
        raise ValueError(f"hidden values of scale {scale} and zero point {zero}")


def _weights(tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise ValueError(f"weights '{tensor.name}' have shape {tensor.shape}, not {shape}")
    own = tensor.quantization
    symmetric = own is not None and own.is_per_tensor and not own.zero_point.any()
    if tensor.data is None or tensor.format != INT8 or not symmetric:
        raise UnsupportedNodeError(
            f"weights '{tensor.name}' must be a constant of int8 with one scale and zero point 0"
        )


def _joined(node: _Lstm, start: int, name: str) -> Tensor:
    """The weights of all gates, one below the other, with a scale a row."""
    parts = [node.source.input(at) for at in range(start + node.first, start + 4)]
    data = np.concatenate([part.data for part in parts if part.data is not None])
    scales = [part.quantization.scale for part in parts if part.quantization is not None]
    scale = np.repeat(np.concatenate(scales), node.units)
    quantization = Quantization(scale, np.zeros(scale.size, np.int32), 0)
    return replace(node.named(name, data.shape, INT8, quantization), data=data)


def _bias(node: _Lstm) -> Tensor:
    """The biases of all gates."""
    parts = []
    for at in range(_BIASES + node.first, _BIASES + 4):
        _vector(node.source.input(at), node.units, INT32)
        parts.append(node.source.constant(at))
    data = np.concatenate(parts)
    return Tensor(f"{node.source.outputs[0].name}:bias", data.shape, INT32, None, data)


def _input_gates(node: _Lstm, x: Tensor) -> tuple[Tensor, list[Step]]:
    """The products of all time steps' inputs."""
    op, inputs = LstmProduct(), (x, _joined(node, _INPUT_WEIGHTS, "input_weights"), _bias(node))
    (shape,) = op.infer_shapes(inputs)
    gates = node.named("input_gates", shape, INT16, _GATES)
    return gates, [Step(op, inputs, (gates,))]


def _step(
    node: _Lstm, at: int, weights: Tensor, gates: Tensor, last: Tensor, cell: Tensor
) -> tuple[list[Step], Tensor, Tensor]:
    """The operators of time step `at`, its output and its cell."""
    source, (rows, units) = node.source, cell.shape
    hidden_scale, hidden_zero = source.options["HiddenScale"], source.options["HiddenZero"]
    if source.optional(_PROJECTION) is not None:  # LiteRT then takes it with the other sign
        hidden_zero = -hidden_zero
    product = LstmProduct()
    inputs = (last, weights, None)
    (shape,) = product.infer_shapes(inputs)
    recurrent = node.named(f"recurrent_gates_{at}", shape, INT32, _GATES)
    is_end = at == node.steps - 1
    output, new_cell = source.outputs[1:] if is_end else (
        node.named(f"output_state_{at}", last.shape, INT8, last.quantization),
        node.named(f"cell_{at}", cell.shape, INT16, cell.quantization),
    )  # fmt: skip
    projection = source.optional(_PROJECTION)
    own = Quantization.per_tensor(hidden_scale, hidden_zero)
    hidden = output if projection is None else node.named(f"hidden_{at}", (rows, units), INT8, own)
    op = LstmCell(
        at, node.time_axis, node.first == 1, float(source.options.get("CellClip", 0.0)),
        hidden_scale, hidden_zero,
    )  # fmt: skip
    peepholes = [source.optional(_PEEPHOLES + number) for number in range(3)]
    steps = [
        Step(product, inputs, (recurrent,)),
        Step(op, (gates, recurrent, cell, *peepholes), (hidden, new_cell)),
    ]
    if projection is not None:
        steps.append(_projection(source, hidden, projection, output))
    return steps, output, new_cell


def _projection(source: Source, hidden: Tensor, weights: Tensor, output: Tensor) -> Step:
    """The hidden values' projection to the output, within the clip."""
    assert output.quantization is not None
    real = np.float32(source.options.get("ProjClip", 0.0))
    clip = int(min(real / output.quantization.scalar_scale, np.float32(INT8.high)))
    op = LstmProduct(max(clip, 0))
    return Step(op, (hidden, weights, source.optional(_PROJECTION_BIAS)), (output,))

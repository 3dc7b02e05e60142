"""UNIDIRECTIONAL_SEQUENCE_LSTM of TFLite on float32: one operator for the whole sequence.

The operator is ONNX's, which walks a sequence in time-major order and has its gates in the order i,
o, f, g; TFLite's are i, f, g, o. What only some LSTMs have is refused by name.
"""

from __future__ import annotations

import numpy as np

from npusim.frontend.tflite.source import Source, Step, UnsupportedNodeError
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.recurrent.lstm import Lstm
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32

INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES, OUTPUT_STATE, CELL_STATE = 1, 5, 12, 18, 19
_ORDER = (0, 3, 1, 2)
"""Gates of TFLite in the order of ONNX."""
_ABSENT = {1: "a coupled input gate", 9: "peepholes", 10: "peepholes", 16: "a projection",
           20: "layer normalization", 21: "layer normalization"}  # fmt: skip
"""What an input that is present means (input 1: that is absent)."""
_TANH = 4


def real_lstm(source: Source) -> list[Step]:
    """The operator, and what brings its tensors in and out of its order."""
    x, y = source.input(0), source.outputs[0]
    _check(source)
    is_time_major = bool(source.options.get("TimeMajor"))
    steps: list[Step] = []
    if not is_time_major:
        steps.append(source.between(Transpose((1, 0, 2)), (x,), x, 0))
        x = steps[-1].outputs[0]
    states = [source.input(OUTPUT_STATE), source.input(CELL_STATE)]
    rows, units = states[1].shape
    for number, state in enumerate(states):
        steps.append(source.between(Reshape((1, rows, units)), (state,), state, number))
    op = Lstm(units)
    constants = (
        _joined(source, INPUT_WEIGHTS, "input_weights"),
        _joined(source, RECURRENT_WEIGHTS, "recurrent_weights"),
        _joined(source, BIASES, "bias"),
    )
    inputs = (x, *constants, *(step.outputs[0] for step in steps[-2:]))
    made = [
        Tensor(f"{y.name}:lstm_{at}", shape, FP32)
        for at, shape in enumerate(op.infer_shapes(inputs))
    ]
    steps.append(Step(op, inputs, tuple(made)))
    for number, last in enumerate(made[1:], start=1):
        steps.append(source.step(Reshape((rows, units)), (last,), number))
    if is_time_major:
        return [*steps, source.step(Reshape(y.shape), (made[0],))]
    whole = Reshape((made[0].shape[0], rows, units))
    steps.append(source.between(whole, (made[0],), y, 2))
    return [*steps, source.step(Transpose((1, 0, 2)), steps[-1].outputs)]


def _check(source: Source) -> None:
    """Refuse what the operator does not compute; ValueError where the file contradicts itself."""
    for at, what in _ABSENT.items():
        if (source.optional(at) is None) == (at == 1):
            raise UnsupportedNodeError(f"{what} in an LSTM of float32 is not supported")
    clips = [float(source.options.get(name, 0.0)) for name in ("CellClip", "ProjClip")]
    if any(clips) or source.options.get("DiagonalRecurrentTensors"):
        raise UnsupportedNodeError("clipping or diagonal weights in an LSTM of float32")
    if source.options.get("FusedActivationFunction", _TANH) != _TANH:
        raise UnsupportedNodeError("an LSTM of float32 has tanh as its activation")
    x, cell = source.input(0), source.input(CELL_STATE)
    if len(x.shape) != 3 or len(cell.shape) != 2:
        raise ValueError(f"a sequence of shape {x.shape} and a cell of shape {cell.shape}")
    weights = range(INPUT_WEIGHTS, INPUT_WEIGHTS + 8)
    for at in (*weights, *range(BIASES, BIASES + 4), OUTPUT_STATE, CELL_STATE):
        tensor = source.input(at)
        if tensor.format != FP32:
            what = f"'{tensor.name}' is {tensor.format.name} in an LSTM whose input is float32"
            raise UnsupportedNodeError(what)


def _joined(source: Source, start: int, name: str) -> Tensor:
    """[1, 4 units, ...]: the constants of all gates, one below the other.

    ONNX has a second bias, of zeros here.
    """
    parts = [source.constant(start + gate) for gate in _ORDER]
    if len({part.shape for part in parts}) > 1:
        raise ValueError(f"the gates have {name} of different shapes")
    data = np.concatenate(parts)[None]
    if start == BIASES:
        data = np.concatenate([data, np.zeros_like(data)], axis=1)
    return Tensor(f"{source.outputs[0].name}:{name}", data.shape, FP32, None, data)

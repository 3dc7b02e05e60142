"""TFLite files of one unidirectional LSTM with 8-bit weights and a 16-bit cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.support.tflite_models import TinyModel

TANH = 4  # the code of the fused activation that every LSTM has


@dataclass(frozen=True)
class Lstm:
    """What a file has; `outputs` differ from `units` with a projection only."""

    rows: int = 2
    steps: int = 3
    depth: int = 5
    units: int = 4
    outputs: int = 4
    time_major: bool = False
    coupled: bool = False
    peephole: bool = False
    projection: bool = False
    projection_bias: bool = True
    layer_norm: bool = False
    cell_clip: float = 0.0
    proj_clip: float = 0.0
    cell_scale: float = 2.0**-11
    hidden: tuple[float, int] | None = None
    weight_scale: float = 0.02


def lstm_model(rng: np.random.Generator, case: Lstm) -> TinyModel:
    """Random weights and zero points."""
    m = TinyModel()
    zeros = [int(zero) for zero in rng.integers(-128, 128, 2)]
    sizes = (case.steps, case.rows) if case.time_major else (case.rows, case.steps)
    x = m.tensor("x", (*sizes, case.depth), "int8", 0.03, zeros[0])
    m.inputs.append(x)
    gates = "fgo" if case.coupled else "ifgo"
    inputs = _gates(m, rng, case, gates, "w", case.depth)
    recurrent = _gates(m, rng, case, gates, "r", case.outputs)
    peepholes, biases = [-1] * 3, [-1] * (4 - len(gates))
    if case.peephole:
        for at, gate in enumerate("ifo"):
            if gate in gates:
                data = rng.integers(-32767, 32768, case.units).astype(np.int16)
                peepholes[at] = m.constant(f"p{gate}", data, 1.7 * 2.0**-15)
    for gate in gates:
        data = rng.integers(-5000, 5000, case.units).astype(np.int32)
        biases.append(m.constant(f"b{gate}", data, 0.0006))
    projection = _projection(m, rng, case)
    states = [
        m.tensor("output_state", (case.rows, case.outputs), "int8", 1 / 128, zeros[1]),
        m.tensor("cell_state", (case.rows, case.units), "int16", case.cell_scale, 0),
    ]
    for state in states:
        m.tensors[state].is_variable = True
    norms = [-1] * 4
    if case.layer_norm:
        data = rng.integers(-32767, 32768, case.units).astype(np.int16)
        norms = [m.constant(f"n{gate}", data, 2.0**-15) for gate in "ifgo"]
    hidden = case.hidden or (1 / 128, zeros[1])
    between = [m.tensor(f"between{at}", (), "int16", 2.0**-12) for at in range(4)]
    between.append(m.tensor("hidden", (), "int8", *hidden))
    y = m.tensor("y", (*sizes, case.outputs), "int8", 1 / 128, zeros[1])
    m.outputs.append(y)
    tensors = [x, *inputs, *recurrent, *peepholes, *biases, *projection, *states, *norms]
    m.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", tensors, [y], "UnidirectionalSequenceLSTMOptions",
        FusedActivationFunction=TANH, CellClip=case.cell_clip, ProjClip=case.proj_clip,
        TimeMajor=case.time_major,
    )  # fmt: skip
    m.intermediates[0] = between
    return m


def _gates(
    m: TinyModel, rng: np.random.Generator, case: Lstm, gates: str, name: str, depth: int
) -> list[int]:
    """The weights of the gates that exist, -1 for the others."""
    found = [-1] * (4 - len(gates))
    for gate in gates:
        data = rng.integers(-127, 128, (case.units, depth)).astype(np.int8)
        scale = case.weight_scale * float(np.exp(rng.uniform(-1, 1)))
        found.append(m.constant(f"{name}{gate}", data, scale))
    return found


def _projection(m: TinyModel, rng: np.random.Generator, case: Lstm) -> list[int]:
    if not case.projection:
        return [-1, -1]
    data = rng.integers(-127, 128, (case.outputs, case.units)).astype(np.int8)
    weights = m.constant("projection", data, 0.01)
    if not case.projection_bias:
        return [weights, -1]
    bias = rng.integers(-300, 300, case.outputs).astype(np.int32)
    return [weights, m.constant("projection_bias", bias, 1e-4)]


def real_lstm_model(rng: np.random.Generator, case: Lstm) -> TinyModel:
    """A plain LSTM on float32."""
    m = TinyModel()
    sizes = (case.steps, case.rows) if case.time_major else (case.rows, case.steps)
    x = m.tensor("x", (*sizes, case.depth), "float32")
    y = m.tensor("y", (*sizes, case.units), "float32")
    m.inputs, m.outputs = [x], [y]
    shapes = {"w": (case.units, case.depth), "r": (case.units, case.units), "b": (case.units,)}
    drawn = {
        f"{name}{gate}": m.constant(f"{name}{gate}", rng.normal(0, 0.5, shape).astype(np.float32))
        for name, shape in shapes.items()
        for gate in "ifgo"
    }
    found = [[drawn[f"{name}{gate}"] for gate in "ifgo"] for name in shapes]
    states = []
    for name in ("output_state", "cell_state"):
        states.append(m.tensor(name, (case.rows, case.units), "float32"))
        m.tensors[states[-1]].is_variable = True
    tensors = [x, *found[0], *found[1], *[-1] * 3, *found[2], -1, -1, *states, *[-1] * 4]
    m.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", tensors, [y], "UnidirectionalSequenceLSTMOptions",
        FusedActivationFunction=TANH, CellClip=case.cell_clip, TimeMajor=case.time_major,
    )  # fmt: skip
    return m

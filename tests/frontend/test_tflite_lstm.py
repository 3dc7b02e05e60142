"""Integer LSTMs against LiteRT: outputs and states over consecutive frames, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.timing.counts import count
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.machines import tiny
from tests.support.programs import program_of
from tests.support.tflite_cases import inputs_for
from tests.support.tflite_lstm import Lstm, lstm_model
from tests.support.tflite_models import TinyModel

FRAMES = 3
CASES = {
    "plain": Lstm(),
    "larger": Lstm(rows=1, steps=7, depth=33, units=20, outputs=20),
    "one step": Lstm(steps=1),
    "time major": Lstm(time_major=True),
    "coupled": Lstm(coupled=True),
    "peephole": Lstm(peephole=True),
    "coupled peephole": Lstm(peephole=True, coupled=True, weight_scale=0.002),
    "cell clip": Lstm(cell_clip=1.3),
    "projection": Lstm(projection=True, outputs=3, hidden=(1 / 127, 30)),
    "wide projection": Lstm(projection=True, outputs=9, projection_bias=False, hidden=(0.01, -7)),
    "projection clip": Lstm(projection=True, outputs=3, proj_clip=0.5, hidden=(1 / 127, 0)),
    "hidden scale of its own": Lstm(hidden=(0.01, -5)),
    "cell of 6 integer bits": Lstm(cell_scale=2.0**-9),
    "cell of no integer bits": Lstm(cell_scale=2.0**-15),
    "gates that saturate": Lstm(weight_scale=0.3),
    "gates near 0": Lstm(weight_scale=0.001),
}


def read(model: TinyModel, folder) -> Graph:
    file = folder / "model.tflite"
    file.write_bytes(model.content())
    return load_model(file)


def state_of(oracle, name: str) -> np.ndarray:
    """A variable tensor of LiteRT after a run."""
    (detail,) = [each for each in oracle.get_tensor_details() if each["name"] == name]
    return oracle.get_tensor(detail["index"])


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("case", list(CASES))
def test_frames_and_states_equal_litert(case, profile, tmp_path):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        model = lstm_model(rng, CASES[case])
        graph = read(model, tmp_path)
        oracle = litert.interpreter(model.content(), profile)
        held = {state.read: state.initial for state in graph.states}
        for _ in range(FRAMES):
            x = inputs_for(model, rng)
            litert.run(oracle, x)
            values = evaluate(graph, {**x, **held}, profile)
            np.testing.assert_array_equal(values["y"], litert.outputs(oracle)["y"])
            held = {state.read: values[state.written] for state in graph.states}
            for state in graph.states:
                np.testing.assert_array_equal(held[state.read], state_of(oracle, state.name))


def test_tile_by_tile_equals_layer_at_once(tmp_path):
    rng = np.random.default_rng(5)
    model = lstm_model(rng, Lstm(rows=3, depth=40, units=24, outputs=7, projection=True))
    program = program_of(read(model, tmp_path), tiny(memory__sram__size="2 KiB"))
    assert max(step.tiles for step in count(program).steps) > 1
    x, graph = inputs_for(model, rng), program.graph
    computed = [name for name, tensor in graph.tensors.items() if not tensor.is_constant]
    for path in ("reference", kernels().path):
        executor = Executor(program, profile_named("xnnpack"), kernels(path))
        tiles = executor.run(x, by_tiles=True, keep=computed)
        whole = executor.run(x, keep=computed)
        for name in computed:
            np.testing.assert_array_equal(tiles[name], whole[name], name)


def test_time_steps_follow_each_other(tmp_path):
    """A step multiplies all recurrent weights anew; the inputs of all steps are one product."""
    case = Lstm(rows=1, steps=6, depth=16, units=32, outputs=32)
    graph = read(lstm_model(np.random.default_rng(0), case), tmp_path)
    macs = {node.name: node.op.loop_nest(*graph.operands(node)).macs for node in graph.nodes}
    assert macs["y:input_gates"] == 6 * 16 * 4 * 32
    steps = [name for name in macs if name.startswith("y:recurrent_gates")]
    assert [macs[name] for name in steps] == [32 * 4 * 32] * 6
    once = count(program_of(graph, tiny())).cycles
    shorter = read(lstm_model(np.random.default_rng(0), replace(case, steps=3)), tmp_path)
    half = count(program_of(shorter, tiny())).cycles
    weights_load = 32 * 4 * 32 // (4 * 4)  # a 4 x 4 array takes its weights once for each row
    assert once - half >= 3 * weights_load


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Lstm(layer_norm=True), "layer normalization"),
        (Lstm(peephole=True, projection=True, outputs=3), "peepholes together"),
        (Lstm(cell_scale=0.0005), "powers of two"),
        (Lstm(cell_scale=2.0**-8), "powers of two"),
        (Lstm(rows=1, steps=1025), "more than 1024"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(case, message, tmp_path):
    with pytest.raises(UnsupportedModelError, match=message):
        read(lstm_model(np.random.default_rng(0), case), tmp_path)


def tensor(model: TinyModel, name: str):
    return next(each for each in model.tensors if each.name == name)


def _float_input(model: TinyModel) -> None:
    tensor(model, "x").dtype, tensor(model, "x").scale = "float32", None


def _wrong_weights(model: TinyModel) -> None:
    tensor(model, "rf").shape, tensor(model, "rf").data = (4, 5), np.zeros((4, 5), np.int8)


def _asymmetric_weights(model: TinyModel) -> None:
    tensor(model, "wg").zero_point = 3


def _constant_state(model: TinyModel) -> None:
    tensor(model, "cell_state").is_variable = False


def _no_intermediates(model: TinyModel) -> None:
    model.intermediates.clear()


def _with_inputs(model: TinyModel, changes: dict[int, int]) -> None:
    kind, inputs, *rest = model.operators[0]
    changed = [changes.get(at, index) for at, index in enumerate(inputs)]
    model.operators[0] = (kind, tuple(changed), *rest)


def _no_bias(model: TinyModel) -> None:
    _with_inputs(model, {13: -1})


def _half_an_input_gate(model: TinyModel) -> None:
    _with_inputs(model, {1: -1})


def _one_peephole(model: TinyModel) -> None:
    weights = model.constant("pf", np.ones(4, np.int16), 0.001)
    _with_inputs(model, {10: weights})


def _hidden_beyond_int8(model: TinyModel) -> None:
    tensor(model, "hidden").zero_point = 300


def _output_of_another_shape(model: TinyModel) -> None:
    tensor(model, "y").shape = (2, 3, 5)


def _of_rank_two(model: TinyModel) -> None:
    tensor(model, "x").shape = (6, 5)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (_float_input, UnsupportedModelError, "whose input is float32"),
        (_wrong_weights, ModelFileError, "'rf' have shape"),
        (_asymmetric_weights, UnsupportedModelError, "'wg' must be a constant"),
        (_constant_state, ModelFileError, "input 19 is not a variable"),
        (_no_intermediates, ModelFileError, "hidden values is absent"),
        (_no_bias, ModelFileError, "input 13 is absent"),
        (_of_rank_two, ModelFileError, "sequence of shape"),
        (_one_peephole, ModelFileError, "some gates have peephole weights"),
        (_half_an_input_gate, ModelFileError, "no weights of the input"),
        (_hidden_beyond_int8, ModelFileError, "zero point 300"),
        (_output_of_another_shape, ModelFileError, "an output of shape"),
    ],
)
def test_damaged_nodes_are_refused(
    damage: Callable[[TinyModel], None], error: type[Exception], message: str, tmp_path
):
    model = lstm_model(np.random.default_rng(0), Lstm())
    damage(model)
    with pytest.raises(error, match=message):
        read(model, tmp_path)

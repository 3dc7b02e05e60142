"""Resource variables of TFLite: the state that a model carries from inference to inference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from npusim import api
from npusim.errors import ModelFileError, UnsupportedModelError, UsageError
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from tests.support import litert
from tests.support.tflite_models import TinyModel
from tests.support.tflite_state import SCALE, SHAPE, frames, memory


def read(model: TinyModel, folder) -> Graph:
    file = folder / "model.tflite"
    file.write_bytes(model.content())
    return load_model(file)


@pytest.mark.parametrize("profile", litert.PROFILES)
def test_a_stream_equals_litert_frame_by_frame(profile, tmp_path):
    model, x = memory(variables=2), frames(20)
    graph = read(model, tmp_path)
    result = api.execute(
        api.Model(graph), "edge-npu-1", {"x": x}, profile, kernels="reference", stream=True
    )
    oracle = litert.interpreter(model.content(), profile)
    for at, frame in enumerate(x):
        litert.run(oracle, {"x": frame[None]})
        for name, expected in litert.outputs(oracle).items():
            np.testing.assert_array_equal(result.outputs[name][at : at + 1], expected)
    assert set(result.state) == {"memory0", "memory1"}
    np.testing.assert_array_equal(result.state["memory0"], litert.outputs(oracle)["y0"])


def test_without_a_stream_each_inference_starts_anew(tmp_path):
    model, x = api.Model(read(memory(), tmp_path)), frames(3)
    together = api.execute(model, "edge-npu-1", {"x": x}, kernels="reference").outputs["y0"]
    for at, frame in enumerate(x):
        alone = api.execute(model, "edge-npu-1", {"x": frame[None]}, kernels="reference")
        np.testing.assert_array_equal(together[at : at + 1], alone.outputs["y0"])


def test_a_run_goes_on_from_the_state_of_another(tmp_path):
    model, x = api.Model(read(memory(), tmp_path)), frames(6)
    program = api.schedule(model, "edge-npu-1")
    whole = api.infer(program, {"x": x}, kernels="reference", stream=True)["y0"]
    first = api.execute(model, "edge-npu-1", {"x": x[:4]}, kernels="reference", stream=True)
    rest = api.infer(
        program, {"x": x[4:]}, kernels="reference", state=first.state, stream=True
    )["y0"]  # fmt: skip
    np.testing.assert_array_equal(whole[4:], rest)


def test_a_state_that_does_not_fit_the_model_is_refused(tmp_path):
    model = api.Model(read(memory(), tmp_path))
    good = np.zeros(SHAPE, np.int8)
    for state in (
        {}, {"memory": good}, {"memory0": good[0]}, {"memory0": good.astype(np.uint8)},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="state 'memory"):
            api.execute(model, "edge-npu-1", {"x": frames(1)}, state=state, kernels="reference")


def test_a_variable_read_again_holds_what_was_assigned(tmp_path):
    model = memory()
    again = model.tensor("again", SHAPE, "int8", SCALE, 3)
    model.operator("READ_VARIABLE", [model.tensors.index(model.tensors[1])], [again])
    model.outputs.append(again)
    graph = read(model, tmp_path)
    outputs = api.execute(api.Model(graph), "edge-npu-1", {"x": frames(1)}).outputs
    np.testing.assert_array_equal(outputs["again"], outputs["y0"])
    assert [state.written for state in graph.states] == ["y0"]


def _without_a_first_value(model: TinyModel) -> None:
    model.called[0].operators.pop()


def _of_another_shape(model: TinyModel) -> None:
    once = model.called[0]
    once.tensors[0].shape, once.tensors[0].data = (1, 5, 3), np.zeros((1, 5, 3), np.int8)


def _computed_once(model: TinyModel) -> None:
    once = model.called[0]
    once.operator("ADD", [0, 0], [0], "AddOptions", 2)


def _of_an_input(model: TinyModel) -> None:
    model.called[0].tensors[0].data = None


def _without_a_handle(model: TinyModel) -> None:
    del model.operators[1]


def _of_a_missing_subgraph(model: TinyModel) -> None:
    model.called.clear()


def _too_short(model: TinyModel) -> None:
    model.called[0].tensors[0].data = np.zeros(3, np.int8)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (_without_a_first_value, UnsupportedModelError, "before it has a value"),
        (_of_another_shape, UnsupportedModelError, "another shape"),
        (_computed_once, UnsupportedModelError, "has ADD: only constants"),
        (_of_an_input, UnsupportedModelError, "no constant"),
        (_without_a_handle, ModelFileError, "no handle"),
        (_of_a_missing_subgraph, ModelFileError, "subgraph 1 of 1"),
        (_too_short, ModelFileError, "the file has 3"),
    ],
)
def test_what_can_not_be_a_state_is_refused(
    damage: Callable[[TinyModel], None], error: type[Exception], message: str, tmp_path
):
    model = memory()
    damage(model)
    with pytest.raises(error, match=message):
        read(model, tmp_path)


def test_another_batch_is_refused(tmp_path):
    with pytest.raises(UnsupportedModelError, match="one stream"):
        api.simulate(api.Model(read(memory(), tmp_path)), "edge-npu-1", batch=2)

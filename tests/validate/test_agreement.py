"""Agreement with an oracle: the first difference is found, and told from what is inherited."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from npusim import api
from npusim.execution.executor import Executor
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.program import Program
from npusim.validate.agreement import Agreement, compare_to
from npusim.validate.oracles import Oracle, open_oracle

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def program() -> Program:
    return api.schedule("digits", "edge-npu-1")


def own_oracle(
    program: Program, profile: str, change: Callable[[Arrays], None] = lambda tensors: None
) -> Oracle:
    """npusim itself under `profile` as a framework, with `change` applied to what it shows."""
    executor = Executor(program, profile_named(profile), kernels("reference"))
    names = [name for node in program.graph.nodes for name in node.outputs]

    def run(inputs):
        tensors = executor.run(inputs, keep=names)
        change(tensors)
        return tensors

    return Oracle(profile, run, lambda: None)


def agreement(program: Program, oracle: Oracle, profile: str = "onnx", many: int = 3) -> Agreement:
    samples = [api.random_inputs(program.graph, seed) for seed in range(many)]
    return compare_to(oracle, program, samples, profile_named(profile), kernels())


def test_the_same_arithmetic_is_equal_everywhere(program):
    found = agreement(program, own_oracle(program, "onnx"))
    assert found.first is None
    assert found.unseen == 0
    assert all(tensor.wrong == 0 for tensor in found.tensors)
    elements = {t.name: 3 * program.graph.tensors[t.name].size for t in found.tensors}
    assert {t.name: t.elements for t in found.tensors} == elements


def test_another_arithmetic_is_named(program):
    found = agreement(program, own_oracle(program, "xnnpack"), "single-rounding", 20)
    assert found.first is not None
    assert found.first.wrong_alone > 0
    assert "xnnpack" in found.first.explained_by
    assert "single-rounding" not in found.first.explained_by
    for tensor in found.tensors:
        assert not tensor.wrong_alone or "xnnpack" in tensor.explained_by


def test_a_wrong_tensor_is_the_first_and_what_follows_is_inherited(program):
    node = program.graph.nodes[3]
    (spoiled,) = node.outputs

    def change(tensors):
        tensors[spoiled] = tensors[spoiled].copy()
        low = tensors[spoiled].reshape(-1)[0] == np.iinfo(tensors[spoiled].dtype).min
        tensors[spoiled].reshape(-1)[0] += 1 if low else -1

    found = agreement(program, own_oracle(program, "onnx", change), many=1)
    assert found.first is not None
    assert found.first.name == spoiled
    assert (found.first.wrong, found.first.largest) == (1, 1.0)
    assert found.first.wrong_alone == 1
    assert found.first.explained_by == ()


def test_a_difference_upstream_is_inherited(program):
    """The framework computed from another tensor than it shows: its readers are equal alone."""
    graph = program.graph
    executor = Executor(program, profile_named("onnx"), kernels("reference"))
    names = [name for node in graph.nodes for name in node.outputs]

    def run(inputs):
        (name,) = graph.inputs
        return executor.run({name: np.zeros_like(inputs[name])}, keep=names)

    found = agreement(program, Oracle("zeros", run, lambda: None), many=1)
    wrong = [tensor for tensor in found.tensors if tensor.wrong]
    assert len(wrong) > 3
    assert all(tensor.wrong_alone == 0 for tensor in wrong[1:])


def test_hidden_tensors_are_counted(program):
    def hide(tensors):
        for name in list(tensors)[:4]:
            del tensors[name]

    found = agreement(program, own_oracle(program, "onnx", hide), many=1)
    assert found.unseen == 4
    assert found.first is None


def test_the_bundled_model_equals_onnx_runtime(program):
    pytest.importorskip("onnxruntime")
    oracle = open_oracle("onnxruntime", api.model_path("digits"), program.graph, "onnx")
    found = agreement(program, oracle)
    assert found.first is None
    assert len(found.tensors) > 5
    assert "ONNX Runtime" in found.to_dict()["oracle"]


def test_float32_rounding_is_told_from_real_differences(program):
    """The last tensor of the model is float32: one step of it is rounding, a thousandth is not."""
    (name,) = program.graph.outputs
    found = {}
    for factor in (np.float32(1 + 2**-22), np.float32(1.001)):

        def change(tensors, factor=factor):
            tensors[name] = tensors[name] * factor

        result = agreement(program, own_oracle(program, "onnx", change), many=1)
        (tensor,) = [one for one in result.tensors if one.wrong]
        found[float(factor)] = (tensor.name, tensor.rounding)
    assert list(found.values()) == [(name, True), (name, False)]


def test_a_wrong_integer_is_no_rounding(program):
    found = agreement(program, own_oracle(program, "xnnpack"), "single-rounding", 20)
    assert found.first is not None
    assert not found.first.rounding

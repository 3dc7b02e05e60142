"""The onnx package's backend test suite: what npusim accepts, it computes as the suite does.

Support is what the program accepts. So these tests fail if it accepts a model and gives another
result, if an error escapes that is none of its messages, or if a test of the suite is not counted.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx.backend.test.loader import load_model_tests

from npusim.validate.onnx_backend import NpusimBackend
from npusim.validate.onnx_backend.__main__ import main
from npusim.validate.onnx_backend.suite import (
    DEVICE,
    DIFFERENT,
    DIFFERS,
    PASSED,
    REFUSED,
    Outcome,
    run_suite,
)
from npusim.validate.onnx_backend.table import support_of

KINDS = ("node", "real", "simple", "pytorch-converted", "pytorch-operator")

FAMILIES = (
    "argmax_default", "averagepool_2d", "basic_conv", "castlike_FLOAT_to", "clip", "conv_with",
    "convinteger", "convtranspose", "dequantizelinear", "dynamicquantizelinear", "gather", "gemm",
    "gru", "layer_normalization_2d", "lstm", "matmul", "maxpool_2d", "pad", "qlinear",
    "quantizelinear", "reduce_sum", "resize", "slice", "softmax", "split", "topk", "transpose",
    "where",
)  # fmt: skip
"""Beginnings of names: a sample of what quantized networks are made of."""
WITH_EXCEPTIONS = ("Dropout", "Resize")
"""Operators whose support depends on values: training or not, and a scale's fraction."""


def _unexplained(outcomes: list[Outcome]) -> list[str]:
    """Tests that neither pass nor are refused with a reason nor differ as is known."""
    known = (PASSED, REFUSED, DIFFERS, DEVICE)
    return [
        f"{each.name}: {each.status}: {each.reason}"
        for each in outcomes
        if each.status not in known or (each.status != PASSED and not each.reason)
    ]  # fmt: skip


def test_what_is_accepted_of_common_families_passes() -> None:
    outcomes = run_suite(rf"^test_({'|'.join(FAMILIES)}).*_cpu")
    assert _unexplained(outcomes) == []
    passed = {each.signature.operator for each in outcomes if each.status == PASSED}
    assert {
        "AveragePool", "Conv", "ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMul",
        "MatMulInteger", "MaxPool", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "Resize",
    } <= passed  # fmt: skip


@pytest.mark.slow
def test_every_test_of_the_suite_is_accounted_for() -> None:
    outcomes = run_suite()
    assert _unexplained(outcomes) == []
    on_processor = [each for each in outcomes if each.name.endswith("_cpu")]
    assert len(on_processor) == sum(len(load_model_tests(kind=kind)) for kind in KINDS)
    assert all(each.status == DEVICE for each in outcomes if each not in on_processor)
    differing = {each.name.removesuffix("_cpu") for each in outcomes if each.status == DIFFERS}
    assert differing == set(DIFFERENT)
    support = support_of(outcomes)
    exceptions = {(row.operator, why) for row in support.rows for why in row.exceptions}
    assert {operator for operator, _ in exceptions} <= set(WITH_EXCEPTIONS)
    inside = sum(row.passed for row in support.rows) + support.composed
    outside = sum(support.outside.values())
    outside += sum(sum(row.exceptions.values()) for row in support.rows)
    assert inside == support.total(PASSED)
    assert inside + outside == len(on_processor)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["reference", "numba"])
def test_every_path_of_kernels_passes_the_same_tests(kernels: str) -> None:
    pattern = rf"^test_({'|'.join(FAMILIES)}).*_cpu"
    fastest = {each.name: each.status for each in run_suite(pattern)}
    assert {each.name: each.status for each in run_suite(pattern, kernels)} == fastest


def test_values_of_parameters_come_with_the_inputs_and_data_stay_inputs() -> None:
    shape = onnx.helper.make_tensor_value_info("shape", onnx.TensorProto.INT64, [2])
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    node = onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "one", [x, shape], [y]))
    rep = NpusimBackend.prepare(model)
    data = np.arange(6, dtype=np.float32).reshape(2, 3)
    (found,) = rep.run([data, np.array([3, 2])])
    np.testing.assert_array_equal(found, data.reshape(3, 2))
    (again,) = rep.run({"x": data, "shape": np.array([6, 1])})
    np.testing.assert_array_equal(again, data.reshape(6, 1))


def test_no_other_device_is_claimed() -> None:
    assert NpusimBackend.supports_device("CPU")
    assert not NpusimBackend.supports_device("CUDA")


def test_the_command_prints_the_table_and_writes_every_outcome(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.json"
    options = ["^test_(abs|hardmax)", "--json", str(path)]
    done = CliRunner().invoke(main, options, standalone_mode=False)
    assert done.exception is None and done.return_value == 0
    assert "Abs  float: " in done.output
    assert "the same tests for another device (CUDA)" in done.output
    document = json.loads(path.read_text(encoding="utf-8"))
    found = Counter(each["status"] for each in document["tests"])
    assert all(document["counts"][status] == found[status] for status in document["counts"])

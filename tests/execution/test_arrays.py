"""Arrays of users are checked against the model before anything runs, all mistakes at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.execution.arrays import as_stored, check_inputs
from npusim.ir.graph import Graph
from npusim.ir.ops.pairs.add import Add
from npusim.numerics.floats import encode
from npusim.numerics.formats import FP8_E4M3, INT4
from tests.support.graphs import Build


def _one_input() -> Graph:
    build = Build()
    build.conv(build.input(1, 4, 4, 3), 2)
    return build.graph()


def _two_inputs() -> Graph:
    build = Build()
    a, b = build.input(1, 2, 2, 3), build.input(1, 2, 2, 3)
    build.add_node(Add(), a, b)
    return build.graph()


def _message(graph: Graph, given: dict[str, np.ndarray]) -> str:
    with pytest.raises(UsageError) as raised:
        check_inputs(graph, given)
    return str(raised.value)


def test_one_input_takes_any_one_name() -> None:
    array = np.arange(48, dtype=np.int8).reshape(1, 4, 4, 3)
    assert np.array_equal(check_inputs(_one_input(), {"whatever": array})["in0"], array)


def test_a_wrong_shape_names_both() -> None:
    message = _message(_one_input(), {"in0": np.zeros((1, 4, 4, 4), np.int8)})
    assert "(1, 4, 4, 4)" in message and "(1, 4, 4, 3)" in message and "'in0'" in message


def test_a_wrong_dtype_names_both() -> None:
    message = _message(_one_input(), {"in0": np.zeros((1, 4, 4, 3), np.float32)})
    assert "float32" in message and "int8" in message


def test_types_of_ml_dtypes_are_taken_as_what_they_hold() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = np.array([-2.5, 0.0, 7.0, 448.0], np.float32)
    codes = as_stored(values.astype(ml_dtypes.float8_e4m3fn), FP8_E4M3)
    assert codes.dtype == np.uint8 and np.array_equal(codes, encode(values, FP8_E4M3))
    assert as_stored(np.array([-8, 7]).astype(ml_dtypes.int4), INT4).tolist() == [-8, 7]
    other = values.astype(ml_dtypes.float8_e5m2)
    assert as_stored(other, FP8_E4M3) is other, "another format is a mismatch, not a bit pattern"


def test_a_byte_beyond_four_bits_is_refused() -> None:
    graph = _one_input()
    graph.tensors["in0"] = replace(graph.tensors["in0"], format=INT4)
    ends = np.resize(np.array([-8, 7], np.int8), (1, 4, 4, 3))
    assert np.array_equal(check_inputs(graph, {"in0": ends})["in0"], ends)
    message = _message(graph, {"in0": ends + np.int8(1)})
    assert "-7 to 8" in message and "int4 spans -8 to 7" in message


def test_missing_and_unknown_names_are_told_together() -> None:
    message = _message(_two_inputs(), {"in0": np.zeros((1, 2, 2, 3), np.int8), "im1": np.zeros(1)})
    assert "'im1'" in message and "did you mean 'in1'" in message
    assert "'in1': missing" in message

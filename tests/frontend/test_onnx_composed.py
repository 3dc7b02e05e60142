"""Einsum, sums, triangles and what else is made of several operators against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import assert_close, plain
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq

LAST_BITS = 2e-6
"""Relative to values of size 1: sums of at most 60 products in another order."""

Shape = tuple[int, ...]


def model(
    op: str, shapes: list[Shape], constants: Sequence[np.ndarray] = (), **attributes: object
) -> onnx.ModelProto:
    """One float32 operator with several inputs, then constants."""
    inputs = {f"x{at}": ("float32", shape) for at, shape in enumerate(shapes)}
    given = {f"c{at}": data for at, data in enumerate(constants)}
    return plain(op, inputs, "float32", given, **attributes)


EINSUMS: dict[str, list[Shape]] = {
    "ij,jk->ik": [(3, 4), (4, 5)],
    "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)],
    "bqhd,bkhd->bhqk": [(2, 4, 3, 5), (2, 6, 3, 5)],
    "bhqk,bkhd->bqhd": [(2, 3, 4, 6), (2, 6, 3, 5)],
    "nchw,cvw->nchv": [(2, 3, 4, 5), (3, 6, 5)],
    "...ij,...jk->...ik": [(2, 3, 4), (2, 4, 5)],
    "i,j->ij": [(3,), (4,)],
    "i,i": [(5,), (5,)],
    "ab,ab->ba": [(3, 4), (3, 4)],
    "bchw->bhwc": [(2, 3, 4, 5)],
    "ba": [(3, 4)],
    " b i j , b j -> b i ": [(2, 3, 4), (2, 4)],
}


@pytest.mark.parametrize("equation", EINSUMS)
def test_einsum_is_products_of_matrices_and_movements(tmp_path: Path, equation: str) -> None:
    proto = model("Einsum", EINSUMS[equation], equation=equation)
    assert_close(proto, tmp_path / "one.onnx", LAST_BITS, LAST_BITS)


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], "three and more"),
     ("ii->i", [(3, 3)], "names an axis twice"),
     ("ij,jk->k", [(2, 3), (3, 4)], "one tensor alone has"),
     ("ij->i", [(2, 3)], "products of one")],
)  # fmt: skip
def test_other_sums_are_refused_by_name(
    tmp_path: Path, equation: str, shapes: list[Shape], message: str
) -> None:
    onnx.save(model("Einsum", shapes, equation=equation), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match=f"operator.*{message}"):
        read_onnx(tmp_path / "one.onnx")


@pytest.mark.parametrize(
    ("op", "shapes", "attributes"),
    [("Einsum", [(2, 3)], {"equation": "ijk->k"}), ("Einsum", [(2, 3)], {"equation": "ij,jk->k"}),
     ("Einsum", [(2, 3)], {"equation": "ij->ik"}), ("Sum", [(2, 3), (4, 5)], {})],
)  # fmt: skip
def test_a_damaged_node_is_named(
    tmp_path: Path, op: str, shapes: list[Shape], attributes: dict[str, object]
) -> None:
    onnx.save(model(op, shapes, **attributes), tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match="operator"):
        read_onnx(tmp_path / "one.onnx")


@pytest.mark.parametrize("op", ["Sum", "Mean"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_sum_and_mean_of_tensors(tmp_path: Path, op: str, count: int) -> None:
    shapes: list[Shape] = [(2, 3, 4), (3, 1), (2, 1, 4)][:count]
    assert_close(model(op, shapes), tmp_path / "one.onnx", LAST_BITS, LAST_BITS)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_sum_of_stored_integers_to_the_bit(tmp_path: Path, dtype: str) -> None:
    """In float32 between the roundings, not in the integers of ONNX Runtime's Add."""
    zero = 128 if dtype == "uint8" else 0
    operands = {"a": Operand((64, 64), 0.037, zero - 5), "b": Operand((64, 64), 0.0113, zero + 9)}
    onnx.save(qdq("Sum", operands, Operand((), 0.031, zero), dtype=dtype), tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    assert len(graph.nodes) == 1
    oracle = session(tmp_path / "one.onnx", int8=dtype == "int8")
    info, rng = np.iinfo(dtype), np.random.default_rng(2)
    for _ in range(8):
        inputs = {n: rng.integers(info.min, info.max + 1, (64, 64)).astype(dtype) for n in "ab"}
        assert wrong_elements(graph, oracle, inputs) == {"y": 0}


OTHERS: dict[str, tuple[str, list[np.ndarray], dict[str, object]]] = {
    "log of a sum of powers": ("ReduceLogSumExp", [], {"axes": [1], "keepdims": 0}),
    "log of all powers": ("ReduceLogSumExp", [], {}),
    "upper triangle": ("Trilu", [], {}),
    "lower triangle": ("Trilu", [np.array(-1)], {"upper": 0}),
    "running sum": ("CumSum", [np.array(1)], {}),
    "running sum, exclusive": ("CumSum", [np.array(-1)], {"exclusive": 1}),
    "running sum from the end": ("CumSum", [np.array([0])], {"exclusive": 1, "reverse": 1}),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_operators_of_parts(tmp_path: Path, case: str) -> None:
    op, constants, attributes = OTHERS[case]
    proto = model(op, [(2, 5, 6)], constants, **attributes)
    assert_close(proto, tmp_path / "one.onnx", LAST_BITS, LAST_BITS)


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_other_operators_of_stored_integers_to_the_bit(
    tmp_path: Path, case: str, dtype: str
) -> None:
    op, constants, attributes = OTHERS[case]
    zero = 128 if dtype == "uint8" else 0
    extra = {f"c{at}": data for at, data in enumerate(constants)}
    proto = qdq(
        op, {"x": Operand((2, 5, 6), 0.037, zero - 5)}, Operand((), 0.05, zero), dtype=dtype,
        extra=extra, **attributes,
    )  # fmt: skip
    onnx.save(proto, tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    oracle = session(tmp_path / "one.onnx", int8=dtype == "int8")
    info, rng = np.iinfo(dtype), np.random.default_rng(2)
    for _ in range(5):
        x = rng.integers(info.min, info.max + 1, (2, 5, 6)).astype(dtype)
        assert wrong_elements(graph, oracle, {"x": x}) == {"y": 0}


def test_the_logarithm_of_a_sum(tmp_path: Path) -> None:
    """Of values that are not negative; the log of the others is no number."""
    nodes = [
        helper.make_node("Abs", ["x"], ["positive"]),
        helper.make_node("ReduceLogSum", ["positive"], ["y"], axes=[1]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (3, 4))]
    outs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", ends, outs)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    assert_close(proto, tmp_path / "one.onnx", LAST_BITS, LAST_BITS)

"""TFLite operators of two tensors and along axes on floats and plain integers; what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend import load_model
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_models import RELU6, TinyModel

REAL = {
    "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions", "FLOOR_DIV": "FloorDivOptions",
}  # fmt: skip
FUSED = ("ADD", "SUB", "MUL", "DIV")


def pair(kind: str, dtype: str, out: str = "", version: int = 2) -> TinyModel:
    """`kind` on tensors without scales that broadcast."""
    m = TinyModel()
    m.inputs += [m.tensor("a", (3, 1, 5), dtype), m.tensor("b", (4, 1), dtype)]
    m.outputs.append(m.tensor("y", (3, 4, 5), out or dtype))
    table = REAL.get(kind, f"{kind.title().replace('_', '')}Options")
    options = {"FusedActivationFunction": RELU6} if kind in FUSED else {}
    m.operator(kind, m.inputs, m.outputs, table, version, **options)
    return m


def wrong(m: TinyModel, profile: str, folder: Path) -> int:
    """Elements in which npusim and LiteRT differ; divisors are never 0."""
    random = np.random.default_rng(1)
    inputs = {}
    for index in m.inputs:
        t = m.tensors[index]
        x = random.integers(1, 40, t.shape) * random.choice([-1, 1], t.shape)
        inputs[t.name] = (x / 8 if t.dtype == "float32" else x).astype(t.dtype)
    made = litert.interpreter(m.content(), profile)
    litert.run(made, inputs)
    (folder / "one.tflite").write_bytes(m.content())
    found = evaluate(load_model(folder / "one.tflite"), inputs, profile)
    for name, expected in litert.outputs(made).items():
        assert found[name].dtype == expected.dtype and found[name].shape == expected.shape
        return int((found[name] != expected).sum())
    raise AssertionError("no output")


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("kind", list(REAL))
def test_arithmetic_without_scales(tmp_path: Path, kind: str, dtype: str, profile: str) -> None:
    assert wrong(pair(kind, dtype), profile, tmp_path) == 0


@pytest.mark.parametrize("kind", ["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_comparisons_without_scales(tmp_path: Path, kind: str, dtype: str) -> None:
    assert wrong(pair(kind, dtype, "bool"), "tflite-reference", tmp_path) == 0


@pytest.mark.parametrize("kind", ["LOGICAL_AND", "LOGICAL_OR"])
def test_logical_functions(tmp_path: Path, kind: str) -> None:
    assert wrong(pair(kind, "bool", version=1), "tflite-reference", tmp_path) == 0


def test_a_power_of_reals_is_the_exact_one_rounded(tmp_path: Path) -> None:
    (tmp_path / "one.tflite").write_bytes(pair("POW", "float32", version=1).content())
    graph = load_model(tmp_path / "one.tflite")
    a, b = np.full((3, 1, 5), 2.5, np.float32), np.float32([[1], [2], [-1], [0.5]])
    found = evaluate(graph, {"a": a, "b": b})["y"]
    np.testing.assert_array_equal(found[0, :, 0], np.float32([2.5, 6.25, 0.4, 2.5**0.5]))


DECIMAL = (0.05, 0.03, 0.1, 0.02, 0.007, 0.2, 1 / 255)
QUANTIZED = {
    "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions",
    "LESS": "LessOptions", "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
}  # fmt: skip


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", list(QUANTIZED))
def test_all_pairs_of_stored_values(tmp_path: Path, kind: str, profile: str) -> None:
    """Scales that people write down make ties, which show how parameters were rounded.

    So do the last ones, where the whole range of the product lies within the output's.
    """
    random, grid = np.random.default_rng(3), np.arange(-128, 128, dtype=np.int8)
    for number in range(8):
        scales, zeros = random.choice(DECIMAL, 3), random.choice([-128, 127, 0, 3, -7], 3)
        if number > 5:
            scales[:2] = ((0.0914, 0.0611), (0.0548, 0.0936))[number - 6]
            scales[2], zeros = scales[0] * scales[1] * (64, 256)[number - 6], [-128] * 3
        if kind == "SQUARED_DIFFERENCE":
            scales[2] = max(scales[:2]) ** 2 * 10
        m, b = TinyModel(), grid.copy()
        if kind == "DIV":
            b[b == zeros[1]] = 1
        m.inputs.append(m.tensor("a", (256, 1), "int8", scales[0], zeros[0]))
        other = m.constant("b", b[None], scales[1], zeros[1])
        out = ("bool", None, 0) if kind == "LESS" else ("int8", scales[2], zeros[2])
        m.outputs.append(m.tensor("y", (256, 256), *out))
        m.operator(kind, [*m.inputs, other], m.outputs, QUANTIZED[kind], version=2)
        made = litert.interpreter(m.content(), profile)
        litert.run(made, {"a": grid[:, None]})
        (tmp_path / "one.tflite").write_bytes(m.content())
        found = evaluate(load_model(tmp_path / "one.tflite"), {"a": grid[:, None]}, profile)
        np.testing.assert_array_equal(found["y"], litert.outputs(made)["y"])


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", ["ADD", "SUB"])
@pytest.mark.parametrize("ratio", [2.0**-11, 0.5])
def test_a_bound_between_two_steps(tmp_path: Path, kind: str, profile: str, ratio: float) -> None:
    """6 lies on a tie; XNNPACK takes the one ratio of scales and leaves the other."""
    grid = np.arange(-128, 128, dtype=np.int8)
    for steps in (3, 20, 51):
        scale = float(np.float32(6.0) / np.float32(steps + 0.5))
        m = TinyModel()
        m.inputs.append(m.tensor("a", (256, 1), "int8", scale * ratio))
        other = m.constant("b", grid[None], scale * 0.7)
        m.outputs.append(m.tensor("y", (256, 256), "int8", scale, -50))
        options = {"FusedActivationFunction": RELU6}
        m.operator(kind, [*m.inputs, other], m.outputs, REAL[kind], version=2, **options)
        made = litert.interpreter(m.content(), profile)
        litert.run(made, {"a": grid[:, None]})
        (tmp_path / "one.tflite").write_bytes(m.content())
        found = evaluate(load_model(tmp_path / "one.tflite"), {"a": grid[:, None]}, profile)
        np.testing.assert_array_equal(found["y"], litert.outputs(made)["y"])


def along(
    kind: str, dtype: str, axes: list[int], out: tuple[int, ...],
    scales: tuple[float | None, float | None] = (None, None),
) -> TinyModel:  # fmt: skip
    """`kind` over `axes` of [2, 3, 4]; `scales` of x and y."""
    m = TinyModel()
    m.inputs.append(m.tensor("x", (2, 3, 4), dtype, scales[0]))
    m.outputs.append(m.tensor("y", out, dtype, scales[1]))
    given = m.constant("axes", np.array(axes, np.int32))
    m.operator(kind, [0, given], m.outputs, "ReducerOptions", version=2, KeepDims=False)
    return m


@pytest.mark.parametrize("kind", ["SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"])
def test_reductions_of_plain_integers(tmp_path: Path, kind: str) -> None:
    assert wrong(along(kind, "int32", [1], (2, 4)), "tflite-reference", tmp_path) == 0


@pytest.mark.parametrize("kind", ["SUM", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"])
@pytest.mark.parametrize("profile", litert.PROFILES)
def test_reductions_of_reals_whose_sums_are_exact(tmp_path: Path, kind: str, profile: str) -> None:
    """Multiples of 1/8, so that no order of the additions can show."""
    assert wrong(along(kind, "float32", [0, 2], (3,)), profile, tmp_path) == 0


def refusal(m: TinyModel, folder: Path, kind: type[Exception]) -> str:
    """The message for a file that is refused."""
    (folder / "one.tflite").write_bytes(m.content())
    with pytest.raises(kind) as caught:
        load_model(folder / "one.tflite")
    return str(caught.value)


@pytest.mark.parametrize("kind", ["REDUCE_MAX", "REDUCE_MIN"])
def test_extrema_in_another_scale_are_refused(tmp_path: Path, kind: str) -> None:
    text = refusal(along(kind, "int8", [1], (2, 4), (0.1, 0.2)), tmp_path, UnsupportedModelError)
    assert kind in text and "'x' and 'y' have different scales" in text


def test_a_product_of_one_element_in_another_scale_is_refused(tmp_path: Path) -> None:
    m = along("REDUCE_PROD", "int8", [1], (2, 4), (0.1, 0.2))
    m.tensors[0].shape = (2, 1, 4)
    assert "a product of one element" in refusal(m, tmp_path, UnsupportedModelError)


@pytest.mark.parametrize("axes", [[3], [-4]])
def test_axes_outside_the_rank_are_refused(tmp_path: Path, axes: list[int]) -> None:
    text = refusal(along("SUM", "int8", axes, (2, 4), (0.1, 0.2)), tmp_path, ModelFileError)
    assert "outside the shape (2, 3, 4)" in text


def test_more_than_one_axis_of_argmax_is_refused(tmp_path: Path) -> None:
    m = along("ARG_MAX", "int8", [0, 1], (4,), (0.1, 0.1))
    m.operators[0] = ("ARG_MAX", (0, 2), (1,), "ArgMaxOptions", {}, 2)
    assert "2 axes, not one" in refusal(m, tmp_path, ModelFileError)


def test_extrema_of_two_tensors_with_different_scales_are_refused(tmp_path: Path) -> None:
    m = TinyModel()
    m.inputs += [m.tensor("a", (4,), "int8", 0.1), m.tensor("b", (4,), "int8", 0.2)]
    m.outputs.append(m.tensor("y", (4,), "int8", 0.1))
    m.operator("MAXIMUM", m.inputs, m.outputs, "MaximumMinimumOptions", version=2)
    text = refusal(m, tmp_path, UnsupportedModelError)
    assert "MAXIMUM" in text and "'b' and 'y' have different scales" in text


def test_a_selection_of_rows_is_refused(tmp_path: Path) -> None:
    m = TinyModel()
    condition = m.constant("c", np.array([True, False]))
    m.inputs += [m.tensor("a", (2, 4), "float32"), m.tensor("b", (2, 4), "float32")]
    m.outputs.append(m.tensor("y", (2, 4), "float32"))
    m.operator("SELECT", [condition, *m.inputs], m.outputs, "SelectOptions", version=1)
    assert "a selection of whole rows" in refusal(m, tmp_path, UnsupportedModelError)


def test_shapes_that_do_not_broadcast_are_refused(tmp_path: Path) -> None:
    m = pair("SUB", "float32")
    m.tensors[1].shape = (4, 2)
    assert "SUB" in refusal(m, tmp_path, ModelFileError)


@pytest.mark.parametrize("kind", ["SUB", "MAXIMUM", "LESS"])
def test_operands_of_two_types_are_refused(tmp_path: Path, kind: str) -> None:
    m = pair(kind, "float32", "bool" if kind == "LESS" else "")
    m.tensors[1].dtype = "int32"
    text = refusal(m, tmp_path, ModelFileError)
    assert kind in text and "'b' is int32" in text

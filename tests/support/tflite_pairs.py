"""Single-operator TFLite models of two tensors that broadcast; see `tflite_cases`.

Divisors are constants without the real 0 (or the stored 0 that FLOOR_DIV divides by): LiteRT
refuses to run with one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.tflite_draws import draw_input, draw_scale, draw_zero
from tests.support.tflite_models import NONE, RELU, RELU6, RELU_N1_TO_1, TinyModel

Rng = np.random.Generator
Build = Callable[[Rng, str], TinyModel]
ACTIVATIONS = (NONE, RELU, RELU6, RELU_N1_TO_1)
SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 4, 4, 8), (1, 4, 4, 8)), ((1, 4, 4, 8), (8,)), ((4, 1, 8), (2, 1, 4, 1)), ((7,), (3, 7)),
    ((13,), (13,)), ((2, 3, 1), (1,)),
)  # fmt: skip


def random_values(rng: Rng, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Values of the whole range."""
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def output_of(
    m: TinyModel, shape: tuple[int, ...], dtype: str, scale: float | None = None, zero: int = 0
) -> int:
    """The output of the model."""
    m.outputs.append(m.tensor("y", shape, dtype, scale, zero))
    return m.outputs[-1]


def _shapes(rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    a, b = SHAPES[int(rng.integers(len(SHAPES)))]
    return a, b, np.broadcast_shapes(a, b)


def sub(rng: Rng, dtype: str) -> TinyModel:
    """SUB."""
    m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
    a, b = draw_input(m, rng, a_shape, dtype, "a"), draw_input(m, rng, b_shape, dtype, "b")
    larger = max(m.tensors[a].scale, m.tensors[b].scale)
    factor = rng.choice([0.3, 1.0, 3.0, 2000.0], p=[0.3, 0.3, 0.3, 0.1])
    y = output_of(m, y_shape, dtype, larger * factor, draw_zero(rng, dtype))
    activation = int(rng.choice(ACTIVATIONS))
    m.operator("SUB", [a, b], [y], "SubOptions", version=2, FusedActivationFunction=activation)
    return m


def _divisor(m: TinyModel, rng: Rng, shape: tuple[int, ...], dtype: str, by_stored: bool) -> int:
    data, zero = random_values(rng, shape, dtype), draw_zero(rng, dtype)
    forbidden = 0 if by_stored else zero
    data[data == forbidden] = forbidden - 1 if forbidden > 0 else forbidden + 1
    return m.constant("b", data, draw_scale(rng), zero)


def div(rng: Rng, dtype: str) -> TinyModel:
    """DIV."""
    m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
    a, b = draw_input(m, rng, a_shape, dtype, "a"), _divisor(m, rng, b_shape, dtype, False)
    unit = m.tensors[a].scale / m.tensors[b].scale
    y = output_of(m, y_shape, dtype, unit * float(rng.uniform(0.01, 2)), draw_zero(rng, dtype))
    activation = int(rng.choice(ACTIVATIONS))
    m.operator("DIV", [a, b], [y], "DivOptions", version=2, FusedActivationFunction=activation)
    return m


def floor_div(rng: Rng, dtype: str) -> TinyModel:
    """FLOOR_DIV, which LiteRT has for int8 only."""
    m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
    a, b = draw_input(m, rng, a_shape, "int8", "a"), _divisor(m, rng, b_shape, "int8", True)
    y = output_of(m, y_shape, "int8", draw_scale(rng), draw_zero(rng, "int8"))
    m.operator("FLOOR_DIV", [a, b], [y], "FloorDivOptions", version=2)
    return m


def squared_difference(rng: Rng, dtype: str) -> TinyModel:
    """SQUARED_DIFFERENCE, which LiteRT has for int8 only."""
    m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
    a, b = draw_input(m, rng, a_shape, "int8", "a"), draw_input(m, rng, b_shape, "int8", "b")
    larger = max(m.tensors[a].scale, m.tensors[b].scale)
    scale = larger**2 * float(np.exp(rng.uniform(0, 5)))
    y = output_of(m, y_shape, "int8", scale, draw_zero(rng, "int8"))
    m.operator("SQUARED_DIFFERENCE", [a, b], [y], "SquaredDifferenceOptions", version=2)
    return m


def _extremum(kind: str) -> Build:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
        a = draw_input(m, rng, a_shape, dtype, "a")
        scale, zero = m.tensors[a].scale, m.tensors[a].zero_point
        b = m.tensor("b", b_shape, dtype, scale, zero)
        m.inputs.append(b)
        y = output_of(m, y_shape, dtype, scale, zero)
        m.operator(kind, [a, b], [y], "MaximumMinimumOptions", version=2)
        return m

    return build


def _comparison(kind: str, table: str) -> Build:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
        a, b = draw_input(m, rng, a_shape, dtype, "a"), draw_input(m, rng, b_shape, dtype, "b")
        if rng.random() < 0.5:
            m.tensors[b].scale = m.tensors[a].scale
            m.tensors[b].zero_point = m.tensors[a].zero_point
        m.operator(kind, [a, b], [output_of(m, y_shape, "bool")], table, version=2)
        return m

    return build


def select(rng: Rng, dtype: str) -> TinyModel:
    """SELECT_V2."""
    m, (a_shape, b_shape, y_shape) = TinyModel(), _shapes(rng)
    a = draw_input(m, rng, a_shape, dtype, "a")
    scale, zero = m.tensors[a].scale, m.tensors[a].zero_point
    m.inputs.append(m.tensor("b", b_shape, dtype, scale, zero))
    condition = m.constant("c", rng.random(y_shape) < 0.5)
    y = output_of(m, y_shape, dtype, scale, zero)
    m.operator("SELECT_V2", [condition, a, m.inputs[-1]], [y], "SelectV2Options", version=1)
    return m


PAIRS: dict[str, Build] = {
    "SUB": sub,
    "DIV": div,
    "FLOOR_DIV": floor_div,
    "SQUARED_DIFFERENCE": squared_difference,
    "MAXIMUM": _extremum("MAXIMUM"),
    "MINIMUM": _extremum("MINIMUM"),
    "EQUAL": _comparison("EQUAL", "EqualOptions"),
    "NOT_EQUAL": _comparison("NOT_EQUAL", "NotEqualOptions"),
    "GREATER": _comparison("GREATER", "GreaterOptions"),
    "GREATER_EQUAL": _comparison("GREATER_EQUAL", "GreaterEqualOptions"),
    "LESS": _comparison("LESS", "LessOptions"),
    "LESS_EQUAL": _comparison("LESS_EQUAL", "LessEqualOptions"),
    "SELECT_V2": select,
}

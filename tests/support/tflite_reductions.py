"""Single-operator TFLite models along axes; see `tflite_cases`."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_draws import draw_input, draw_scale, draw_zero
from tests.support.tflite_models import TinyModel
from tests.support.tflite_pairs import Build, Rng, output_of


def _shape_and_axes(rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ranks 1 to 5; axes in any order, some negative."""
    rank = int(rng.integers(1, 6))
    shape = tuple(int(extent) for extent in rng.choice([1, 2, 3, 4, 7, 9], rank))
    chosen = rng.choice(rank, int(rng.integers(1, rank + 1)), replace=False)
    return shape, tuple(int(axis) - rank * int(rng.random() < 0.3) for axis in chosen)


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keep: bool) -> tuple[int, ...]:
    gone = {axis % len(shape) for axis in axes}
    return tuple(1 if i in gone else e for i, e in enumerate(shape) if keep or i not in gone)


def _reduction(kind: str) -> Build:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m, (shape, axes) = TinyModel(), _shape_and_axes(rng)
        keep = bool(rng.random() < 0.5)
        out = _reduced(shape, axes, keep)
        if kind == "REDUCE_PROD":  # LiteRT has it for int8 only, and copies products of one
            dtype = "int8"
        x = draw_input(m, rng, shape, dtype, "x")
        tensor, count = m.tensors[x], int(np.prod(shape) // np.prod(out))
        same = kind.startswith("REDUCE_M") or count == 1 or rng.random() < 0.2
        if kind == "REDUCE_PROD" and not same:
            tensor.scale = float(rng.uniform(0.009, 0.03))
        scale = {
            "SUM": tensor.scale * float(rng.uniform(1, count + 1)),
            "REDUCE_PROD": float(rng.uniform(0.05, 2)),
        }.get(kind, draw_scale(rng))
        zero = tensor.zero_point if same else draw_zero(rng, dtype)
        y = output_of(m, out, dtype, tensor.scale if same else scale, zero)
        given = m.constant("axes", np.array(axes, np.int32))
        m.operator(kind, [x, given], [y], "ReducerOptions", version=2, KeepDims=keep)
        return m

    return build


def _place(kind: str, table: str) -> Build:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m, (shape, axes) = TinyModel(), _shape_and_axes(rng)
        x = draw_input(m, rng, shape, dtype, "x")
        out = str(rng.choice(["int32", "int64"]))
        y = output_of(m, _reduced(shape, axes[:1], False), out)
        given = m.constant("axis", np.array(axes[0], np.int32))
        m.operator(kind, [x, given], [y], table, version=2, OutputType=2 if out == "int32" else 4)
        return m

    return build


def l2_normalization(rng: Rng, dtype: str) -> TinyModel:
    """L2_NORMALIZATION, whose output has a scale of 1/128 and a zero point in the middle."""
    m, (shape, _) = TinyModel(), _shape_and_axes(rng)
    x = draw_input(m, rng, shape, dtype, "x")
    y = output_of(m, shape, dtype, 1 / 128, 0 if dtype == "int8" else 128)
    m.operator("L2_NORMALIZATION", [x], [y], "L2NormOptions", version=2)
    return m


REDUCTIONS: dict[str, Build] = {
    "SUM": _reduction("SUM"),
    "REDUCE_MAX": _reduction("REDUCE_MAX"),
    "REDUCE_MIN": _reduction("REDUCE_MIN"),
    "REDUCE_PROD": _reduction("REDUCE_PROD"),
    "MEAN of any axes": _reduction("MEAN"),
    "ARG_MAX": _place("ARG_MAX", "ArgMaxOptions"),
    "ARG_MIN": _place("ARG_MIN", "ArgMinOptions"),
    "L2_NORMALIZATION": l2_normalization,
}

"""Resize and Upsample against ONNX Runtime: nearest and linear, not one wrong element."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.onnx_movements import NO, F, check, plain, resized
from tests.support.onnx_operators import Operand, qdq

COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
               "half_pixel_symmetric", "tf_half_pixel_for_nn")  # fmt: skip
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("nearest", NEAREST)
def test_resize_to_the_nearest(tmp_path: Path, coordinates: str, nearest: str) -> None:
    attributes = {
        "mode": "nearest", "coordinate_transformation_mode": coordinates, "nearest_mode": nearest,
    }  # fmt: skip
    opset = 12 if coordinates.startswith("tf_") else 19
    for shape, scales, sizes in (
        ((1, 2, 5, 7), [1, 1, 2, 2], None),
        ((1, 2, 9, 7), [1, 1, 0.6, 0.35], None),
        ((1, 3, 4, 5), None, [1, 3, 11, 3]),
        ((2, 3, 4, 5), None, [2, 5, 1, 15]),
        ((4, 6), [1.7, 2.3], None),
        ((2, 3, 3, 2, 2), [1, 1, 2.5, 1.5, 3], None),
        ((1, 5), [1, 0.40000001], None),
        ((1, 40), [1, 0.11764706], None),
    ):
        model = resized("int8", shape, scales, sizes, opset, **attributes)
        check(model, tmp_path, "int8", rounds=1)


LINEAR = [mode for mode in COORDINATES if not mode.startswith("tf_")]


def _linear_cases(random: np.random.Generator) -> list[tuple[tuple[int, ...], list[float]]]:
    """Shapes and scales, up and down; twice as large among them."""
    cases: list[tuple[tuple[int, ...], list[float]]] = [((1, 3, 5, 7), [1.0, 1.0, 2.0, 2.0])]
    for _ in range(6):
        rows, cols = (int(n) for n in random.integers(1, 12, 2))
        factors = [max(f, 1.01 / n) for f, n in zip(random.uniform(0.3, 3, 2), (rows, cols),
                                                    strict=True)]  # fmt: skip
        cases.append(((2, 3, rows, cols), [1.0, 1.0, *factors]))
    return cases


@pytest.mark.parametrize("coordinates", LINEAR)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_linear_resize_of_what_is_stored(tmp_path: Path, coordinates: str, dtype: str) -> None:
    attributes = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    for shape, scales in _linear_cases(np.random.default_rng(1)):
        check(resized(dtype, shape, scales, None, **attributes), tmp_path, dtype, rounds=1)
        sizes = [*shape[:2], 4, 9]
        check(resized(dtype, shape, None, sizes, **attributes), tmp_path, dtype, rounds=1)


@pytest.mark.parametrize("coordinates", LINEAR)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_linear_resize_between_scales(tmp_path: Path, coordinates: str, dtype: str) -> None:
    for shape, scales in _linear_cases(np.random.default_rng(2)):
        x = Operand(shape, 0.02, 7)
        extra = {"roi": NO, "scales": np.array(scales, F)}
        for y in (x, Operand((), 0.013, 11)):
            model = qdq("Resize", {"x": x}, y, dtype=dtype, extra=extra, opset=19, mode="linear",
                        coordinate_transformation_mode=coordinates)  # fmt: skip
            check(model, tmp_path, dtype, rounds=1)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_a_scale_that_changes_no_extent_changes_nothing(tmp_path: Path, mode: str) -> None:
    model = resized("int8", (1, 2, 3, 4), [1, 1, 1.2, 1.1], None, mode=mode)
    check(model, tmp_path, "int8")


def test_resize_of_named_axes(tmp_path: Path) -> None:
    attributes = {"mode": "nearest", "axes": [2, 3]}
    check(resized("float32", (1, 2, 5, 7), [2, 3], None, 18, **attributes), tmp_path, "float32")
    check(resized("float32", (1, 2, 5, 7), None, [4, 9], 18, **attributes), tmp_path, "float32")


@pytest.mark.parametrize("scales", [[1.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.6, 2.2]])
def test_upsample_and_the_first_resize(tmp_path: Path, scales: list[float]) -> None:
    shape = (1, 2, 5, 7)
    check(plain("Upsample", shape, {}, "float32", 8, scales=scales), tmp_path, "float32")
    extra = {"scales": np.array(scales, F)}
    check(plain("Upsample", shape, extra, "float32", 9), tmp_path, "float32")
    check(plain("Resize", shape, extra, "float32", 10), tmp_path, "float32")
    smaller = {"scales": np.array([1, 1, 0.5, 0.3], F)}
    check(plain("Resize", shape, smaller, "float32", 10), tmp_path, "float32")


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_resize_of_quantized_tensors_to_the_nearest(tmp_path: Path, dtype: str) -> None:
    x = Operand((1, 2, 5, 7), 0.02, 7)
    extra = {"roi": NO, "scales": np.array([1, 1, 2, 2], F)}
    for y in (x, Operand((), 0.013, 11)):
        model = qdq("Resize", {"x": x}, y, dtype=dtype, extra=extra, mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
        check(model, tmp_path, dtype)

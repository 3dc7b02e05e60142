"""Resizes that are products with matrices, against ONNX Runtime: float32, within rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import assert_close, plain

IMAGE, SIGNAL = (2, 3, 7, 6), (2, 3, 11)
TWICE, SMALLER = (1, 1, 2.3, 1.7), (1, 1, 0.6, 0.45)


def resized(
    shape: tuple[int, ...], scales: tuple[float, ...], roi: tuple[float, ...] = (),
    dtype: str = "float32", **attributes: Any,
) -> onnx.ModelProto:  # fmt: skip
    constants = {"roi": np.array(roi, np.float32), "scales": np.array(scales, np.float32)}
    return plain("Resize", {"x": (dtype, shape)}, dtype, constants, opset=19, **attributes)


@pytest.mark.parametrize("scales", [TWICE, SMALLER])
@pytest.mark.parametrize("transformed", ["half_pixel", "asymmetric", "pytorch_half_pixel"])
@pytest.mark.parametrize("options", [{}, {"cubic_coeff_a": -0.5}, {"exclude_outside": 1}], ids=str)
def test_cubic(
    tmp_path: Path, scales: tuple[float, ...], transformed: str, options: dict[str, Any]
) -> None:
    model = resized(
        IMAGE, scales, mode="cubic", coordinate_transformation_mode=transformed, **options
    )
    assert_close(model, tmp_path / "one.onnx", 1e-5)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("scales", [TWICE, SMALLER])
def test_filtered(tmp_path: Path, mode: str, scales: tuple[float, ...]) -> None:
    assert_close(resized(IMAGE, scales, mode=mode, antialias=1), tmp_path / "one.onnx", 1e-5)


@pytest.mark.parametrize("region", [(0.2, 0.3, 0.7, 1.0), (-0.3, 0.1, 0.6, 1.4)])
def test_regions_give_what_is_outside_a_value(tmp_path: Path, region: tuple[float, ...]) -> None:
    top, left, bottom, right = region
    model = resized(
        IMAGE, TWICE, (0, 0, top, left, 1, 1, bottom, right), mode="linear",
        coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.5,
    )  # fmt: skip
    assert_close(model, tmp_path / "one.onnx", 1e-5)


@pytest.mark.parametrize("scale", [2.5, 0.4])
def test_linear_along_one_axis_of_a_signal(tmp_path: Path, scale: float) -> None:
    model = resized(SIGNAL, (1, 1, scale), mode="linear")
    assert_close(model, tmp_path / "one.onnx", 1e-5)


def test_stored_integers_are_refused_by_name(tmp_path: Path) -> None:
    onnx.save(resized(IMAGE, TWICE, dtype="uint8", mode="cubic"), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="such a resize of uint8"):
        read_onnx(tmp_path / "one.onnx")


def test_a_region_needs_both_ends_of_each_axis(tmp_path: Path) -> None:
    model = resized(
        IMAGE, TWICE, (0.5,), mode="linear", coordinate_transformation_mode="tf_crop_and_resize"
    )
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match="a region with a beginning and an end of 4 axes"):
        read_onnx(tmp_path / "one.onnx")

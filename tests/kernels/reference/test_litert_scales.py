"""Scales that people write down make ties, which show how products of scales were rounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kernels.reference.test_litert_wide import wrong_elements
from tests.support import litert
from tests.support.tflite_models import VALID, TinyModel

DECIMAL = (0.05, 0.03, 0.1, 0.02, 0.007, 0.2, 1 / 255, 0.3, 0.15, 0.7, 0.9, 0.35)
UNITS, DRAWS = 4000, 12
ONE = {"StrideH": 1, "StrideW": 1, "Padding": VALID}
DILATED = {**ONE, "DilationHFactor": 1, "DilationWFactor": 1}
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def sums(kind: str, dtype: str, rng: np.random.Generator) -> TinyModel:
    """A layer of one input, which is 0, and many outputs: their sums are the biases.

    So many sums of one layer are rounded, whatever the inputs.
    """
    m, zero = TinyModel(), 128 if dtype == "uint8" else 0
    x_scale, w_scale, y_scale = (float(scale) for scale in rng.choice(DECIMAL, 3))
    flat = kind == "FULLY_CONNECTED"
    m.inputs.append(m.tensor("x", (1, 1) if flat else (1, 1, 1, 1), dtype, x_scale, zero))
    shape = {"FULLY_CONNECTED": (UNITS, 1), "DEPTHWISE_CONV_2D": (1, 1, 1, UNITS)}
    weights = np.full(shape.get(kind, (UNITS, 1, 1, 1)), zero, dtype)
    w = m.constant("w", weights, w_scale, zero)
    most = int(140 * y_scale / (x_scale * w_scale))
    data = rng.integers(-most, most + 1, UNITS).astype(np.int32)
    b = m.constant("b", data, np.float32(x_scale) * np.float32(w_scale))
    y = m.tensor("y", (1, UNITS) if flat else (1, 1, 1, UNITS), dtype, y_scale, zero)
    m.outputs.append(y)
    if kind == "TRANSPOSE_CONV":
        size = m.constant("size", np.array([1, 1, 1, UNITS], np.int32))
        m.operator(kind, [size, w, 0, b], [y], "TransposeConvOptions", **ONE)
    elif flat:
        m.operator(kind, [0, w, b], [y], "FullyConnectedOptions", version=5)
    elif kind == "CONV_2D":
        m.operator(kind, [0, w, b], [y], "Conv2DOptions", **DILATED)
    else:
        m.operator(kind, [0, w, b], [y], "DepthwiseConv2DOptions", DepthMultiplier=UNITS, **DILATED)
    return m


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("kind", KINDS)
def test_sums_at_decimal_scales_equal_litert(
    kind: str, dtype: str, profile: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(len(kind))
    for _ in range(DRAWS):
        model = sums(kind, dtype, rng)
        x = model.tensors[0]
        inputs = {"x": np.full(x.shape, x.zero_point, dtype)}
        assert wrong_elements(model, inputs, profile, tmp_path, "c") == 0

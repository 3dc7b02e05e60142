"""Drawn TFLite models of one transposed convolution."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_draws import (
    Rng,
    draw_bias,
    draw_input,
    draw_output,
    draw_weights,
    fitting_scale,
)
from tests.support.tflite_models import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, TinyModel

ACTIVATIONS = (NONE, RELU, RELU6, RELU_N1_TO_1)


def transposed_conv(
    rng: Rng, dtype: str, strides: tuple[int, int] | None = None, filters: tuple[int, int] = (1, 9)
) -> TinyModel:
    """TRANSPOSE_CONV with strides of at most `strides`, or at most the taps; a range of filters."""
    m = TinyModel()
    taps = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    stride = tuple(int(rng.integers(1, 1 + most)) for most in (strides or taps))
    padding = int(rng.choice([SAME, VALID]))
    size = int(rng.integers(1, 9)), int(rng.integers(2, 9))
    c, k = int(rng.integers(1, 20)), int(rng.integers(*filters))
    x = draw_input(m, rng, (int(rng.integers(1, 3)), *size, c), dtype)
    w, scale = draw_weights(m, rng, (k, *taps, c), dtype, 0)
    valid = [(e - 1) * s + t for e, s, t in zip(size, stride, taps, strict=True)]
    same = [e * s for e, s in zip(size, stride, strict=True)]
    out = valid if padding == VALID else same
    shape = (m.tensors[x].shape[0], *out, k)
    asked = m.constant("shape", np.array(shape, np.int32))
    bias = [draw_bias(m, rng, k, x, scale)] if rng.random() < 0.7 else []
    y_scale = fitting_scale(rng, m, x, scale, taps[0] * taps[1] * c)
    y = draw_output(m, rng, shape, dtype, y_scale)
    m.operator("TRANSPOSE_CONV", [asked, w, x, *bias], [y], "TransposeConvOptions",
               Padding=padding, StrideH=stride[0], StrideW=stride[1],
               FusedActivationFunction=int(rng.choice(ACTIVATIONS)))  # fmt: skip
    return m

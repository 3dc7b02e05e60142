"""Weights and biases as they are stored: error bounds, pruned channels, biases that need room."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT32
from npusim.numerics.quantization import Quantization
from npusim.quantize.scheme import Weights
from npusim.quantize.weights import greatest_code, quantized_parameters


def constant(name: str, data: np.ndarray) -> Tensor:
    data = data.astype(np.float32)
    return Tensor(name, data.shape, FP32, None, data)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


X = Quantization.per_tensor(0.02, 3)


@pytest.mark.parametrize("name", ["int8", "int4", "int3"])
@pytest.mark.parametrize("granularity", ["per-tensor", "per-channel", "per-block"])
def test_error_is_half_a_step_at_most(name: str, granularity: str) -> None:
    how, data = Weights(name, granularity, 5), drawn(6, 3, 3, 12)
    made = quantized_parameters(constant("w", data), None, how, X).weights
    assert made.quantization is not None and made.data is not None
    scale, _ = made.quantization.spread(data.shape)
    real = made.quantization.real(made.data)
    assert np.all(np.abs(real - data) <= scale * (0.5 + 1e-5))
    assert np.abs(made.data).max() == greatest_code(how)


def test_finer_granularity_is_never_coarser() -> None:
    data = drawn(8, 64) * np.logspace(-2, 1, 8)[:, None]
    errors = []
    for granularity in ("per-tensor", "per-channel", "per-block"):
        made = quantized_parameters(constant("w", data), None, Weights("int4", granularity), X)
        stored = made.weights
        assert stored.quantization is not None and stored.data is not None
        errors.append(float(((stored.quantization.real(stored.data) - data) ** 2).sum()))
    assert errors[0] > errors[1] > errors[2]


def test_bias_is_int32_in_the_scale_of_its_products() -> None:
    bias = drawn(6)
    made = quantized_parameters(constant("w", drawn(6, 9)), constant("b", bias), Weights(), X)
    assert made.bias is not None and made.bias.data is not None
    assert made.bias.format == INT32 and made.weights.quantization is not None
    scale = made.weights.quantization.scale * X.scalar_scale
    assert np.abs(made.bias.data * scale.astype(float) - bias).max() <= scale.max() / 2 + 1e-6


def test_a_pruned_channel_keeps_its_bias() -> None:
    data, bias = drawn(4, 9), np.full(4, 0.3)
    data[2] = 0
    made = quantized_parameters(constant("w", data), constant("b", bias), Weights(), X)
    assert made.bias is not None and made.bias.data is not None
    assert made.bias.quantization is not None
    assert made.bias.quantization.real(made.bias.data)[2] == pytest.approx(0.3, rel=0.01)


def test_weights_make_room_for_a_bias_beyond_int32() -> None:
    made = quantized_parameters(
        constant("w", drawn(2, 4) * 1e-9), constant("b", np.array([5.0, 0.0])), Weights(), X
    )
    assert made.bias is not None and made.bias.data is not None
    assert made.bias.quantization is not None
    assert made.bias.quantization.real(made.bias.data)[0] == pytest.approx(5, rel=1e-6)


def test_bias_stays_real_beside_floats_and_blocks() -> None:
    w, b = constant("w", drawn(4, 8)), constant("b", drawn(4))
    assert quantized_parameters(w, b, Weights("fp8-e4m3"), None).bias is b
    assert quantized_parameters(w, b, Weights("int4", "per-block", 4), X).bias is b


def test_what_is_shorter_than_a_block_has_a_scale_a_channel() -> None:
    how, data = Weights("int4", "per-block", 32), drawn(4, 3, 3, 1)
    made = quantized_parameters(constant("w", data), constant("b", drawn(4)), how, X)
    assert made.weights.quantization is not None and made.bias is not None
    assert made.weights.quantization.scale.shape == (4,)
    assert made.bias.format == INT32


@pytest.mark.parametrize("name", ["int8", "int4", "int3", "fp8-e5m2"])
@pytest.mark.parametrize("granularity", ["per-tensor", "per-channel", "per-block"])
def test_clipped_scales_have_no_larger_squared_error(name: str, granularity: str) -> None:
    data = np.random.default_rng(1).standard_t(3, size=(6, 3, 3, 32))
    errors = []
    for clipped in (False, True):
        how = Weights(name, granularity, 16, clipped)
        made = quantized_parameters(constant("w", data), None, how, None).weights
        assert made.quantization is not None and made.data is not None
        real = made.quantization.real(made.data, made.format)
        errors.append(float(((real - data.astype(np.float32)) ** 2).sum()))
    assert errors[1] <= errors[0]
    if name in ("int4", "int3"):
        assert errors[1] < 0.95 * errors[0]

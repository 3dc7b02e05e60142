"""What drawn TFLite models are made of: scales, zero points, weights, outputs that fit."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_models import SAME, TinyModel

Rng = np.random.Generator
RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1)}


def draw_scale(rng: Rng, low: float = 0.004, high: float = 0.2) -> float:
    """A scale; every fourth one a power of two, so that ties occur."""
    if rng.random() < 0.25:
        return float(2.0 ** rng.integers(-8, -2))
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_zero(rng: Rng, dtype: str) -> int:
    """A zero point, often at an end of the range; TFLite's of 16 bits is 0."""
    if dtype == "int16":
        return 0
    low, high = RANGES[dtype]
    return int(rng.choice([low, high, int(rng.integers(low, high + 1)), (low + high + 1) // 2]))


def draw_input(m: TinyModel, rng: Rng, shape: tuple[int, ...], dtype: str, name: str = "x") -> int:
    index = m.tensor(name, shape, dtype, draw_scale(rng), draw_zero(rng, dtype))
    m.inputs.append(index)
    return index


def draw_output(
    m: TinyModel, rng: Rng, shape: tuple[int, ...], dtype: str, scale: float | None = None,
    zero: int | None = None,
) -> int:  # fmt: skip
    scale = draw_scale(rng) if scale is None else scale
    zero = draw_zero(rng, dtype) if zero is None else zero
    index = m.tensor("y", shape, dtype, scale, zero)
    m.outputs.append(index)
    return index


def window_extent(size: int, taps: int, stride: int, dilation: int, padding: int) -> int:
    if padding == SAME:
        return -(-size // stride)
    return (size - (taps - 1) * dilation - 1) // stride + 1


def draw_weights(
    m: TinyModel, rng: Rng, shape: tuple[int, ...], dtype: str, axis: int, name: str = "w"
) -> tuple[int, np.ndarray]:
    """A weight tensor and its scales per channel (int8) or of the whole (uint8, some int8)."""
    if dtype == "uint8":
        scale, zero = np.float32([draw_scale(rng)]), int(rng.integers(1, 256))
        data = rng.integers(0, 256, shape).astype(np.uint8)
    else:
        count = shape[axis] if rng.random() < 0.7 else 1
        scale = np.float32([draw_scale(rng, 0.001, 0.1) for _ in range(count)])
        zero = 0
        data = rng.integers(-127, 128, shape).astype(np.int8)
    return m.constant(name, data, scale, zero, axis if scale.size > 1 else 0), scale


def draw_bias(m: TinyModel, rng: Rng, count: int, x: int, scale: np.ndarray) -> int:
    data = rng.integers(-20000, 20000, count).astype(np.int32)
    return m.constant("b", data, m.tensors[x].scale * scale, 0, 0)


def fitting_scale(rng: Rng, m: TinyModel, x: int, scale: np.ndarray, depth: int) -> float:
    """An output scale under which most results lie inside 8 bits, some saturate."""
    spread = m.tensors[x].scale * float(scale.mean()) * 74 * 74 * np.sqrt(depth)
    product = float(np.float32(spread * rng.uniform(0.3, 3.0) / 64))
    lowest = float(m.tensors[x].scale * scale.max()) * 1.01
    fitting = max(product, lowest)
    kind = rng.random()
    if kind < 0.3:
        return float(2.0 ** np.ceil(np.log2(fitting)))
    if kind < 0.4:
        steps = max(1, int(6.0 / fitting))
        return max(lowest, float(np.float32(6.0) / np.float32(steps + 0.5)))
    return fitting

"""Weights and biases as an NPU stores them: symmetric grids per tensor, output channel or block.

Weights are [O, ..., C]: channels first, what is summed last, as the graph holds them. Blocks lie
along C; where C is shorter than a block (depthwise layers) a channel has one scale. A bias is
int32 in the scale of its products (input times weights of its channel). A channel of zeros has no
range of its own: it takes the scale of the widest one, in which its bias keeps its digits; where a
bias would leave int32, the scale of its weights grows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from npusim.ir.tensor import Tensor
from npusim.numerics.floats import LAYOUTS
from npusim.numerics.formats import INT32
from npusim.numerics.quantization import Quantization
from npusim.quantize.grids import SMALLEST_SCALE, stored_of
from npusim.quantize.scheme import Weights

BIAS_LIMIT = 2.0**30
"""In steps: half of int32, so that a bias leaves room for the sums."""
CLIPPED_PARTS = np.linspace(1.0, 0.4, 31)
"""Parts of the scale that holds all weights that are tried; the first one is all of it."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """Stored weights and bias of a layer; `bias` is None if it has none."""

    weights: Tensor
    bias: Tensor | None


def quantized_parameters(
    weights: Tensor, bias: Tensor | None, how: Weights, x: Quantization | None
) -> Parameters:
    """float32 `weights` and `bias` stored as `how` says, for inputs on the grid `x`.

    Without a grid of integers the bias stays float32: so with 8-bit floats, blocks, float inputs.
    """
    assert weights.data is not None
    if how.granularity == "per-block" and weights.shape[-1] < how.block:
        how = replace(how, granularity="per-channel")
    scale = _scales(weights.data, how)
    integer_bias = x is not None and how.format.is_integer and how.granularity != "per-block"
    if integer_bias and bias is not None and x is not None:
        scale = _with_room_for(bias, scale, x)
    grid = _grid(scale, how, weights.shape)
    stored = Tensor(
        weights.name, weights.shape, how.format, grid, _stored(weights.data, grid, how),
        weights.channel_axis,
    )  # fmt: skip
    if bias is None or not integer_bias or x is None:
        return Parameters(stored, bias)
    return Parameters(stored, stored_bias(bias, stored, x))


def stored_bias(bias: Tensor, weights: Tensor, x: Quantization) -> Tensor:
    """float32 `bias` as int32 in the scale of the products of `x` and stored `weights`."""
    assert bias.data is not None and weights.quantization is not None
    scale = x.scalar_scale * weights.quantization.scale.reshape(-1)
    values = bias.data.reshape(-1).astype(np.float64)
    steps = np.clip(np.rint(values / scale), INT32.low + 1, INT32.high - 127)
    axis = 0 if scale.size > 1 else None
    grid = Quantization(scale, np.zeros(scale.size, np.int32), axis)
    return Tensor(bias.name, (values.size,), INT32, grid, steps.astype(np.int32))


def greatest_code(how: Weights) -> float:
    """The greatest number that the weights' values use: 127, 7, 3, 448, ..."""
    if how.format.is_float:
        return LAYOUTS[how.format.name].greatest
    return float(2 ** (how.bits - 1) - 1)


def _scales(data: np.ndarray, how: Weights) -> np.ndarray:
    """float32 scales: [1], [O], or the weights' shape with as many entries of C as blocks."""
    greatest = _by_group(np.maximum, np.abs(data.astype(np.float64)), how)
    scale = greatest / greatest_code(how)
    widest = scale.max()
    scale = np.where(scale > 0, scale, widest if widest > 0 else 1.0)
    held = np.maximum(scale, SMALLEST_SCALE).astype(np.float32)
    return _clipped(data, held, how) if how.clipped else held


def _by_group(function: np.ufunc, values: np.ndarray, how: Weights) -> np.ndarray:
    """`values` in the shape of weights, joined by `function` over what shares a scale."""
    found: np.ndarray
    if how.granularity == "per-tensor":
        found = function.reduce(values.reshape(1, -1), axis=1)
    elif how.granularity == "per-channel":
        found = function.reduce(values.reshape(len(values), -1), axis=1)
    else:
        starts = np.arange(0, values.shape[-1], how.block)
        found = function.reduceat(values, starts, axis=-1)
    return found


def _clipped(data: np.ndarray, scale: np.ndarray, how: Weights) -> np.ndarray:
    """Of parts of `scale` those with the least squared error, each for what shares it."""
    best, least = scale, np.full(scale.shape, np.inf)
    for part in CLIPPED_PARTS:
        tried = np.maximum(scale * np.float32(part), np.float32(SMALLEST_SCALE))
        grid = _grid(tried, how, data.shape)
        error = grid.real(_stored(data, grid, how), how.format).astype(np.float64) - data
        squared = _by_group(np.add, error**2, how)
        best = np.where(squared < least, tried, best)
        least = np.minimum(squared, least)
    return best


def _with_room_for(bias: Tensor, scale: np.ndarray, x: Quantization) -> np.ndarray:
    """Scales that are large enough for int32 to hold the bias."""
    assert bias.data is not None
    needed = np.abs(bias.data.reshape(-1).astype(np.float64)) / (BIAS_LIMIT * float(x.scalar_scale))
    if scale.size == 1:
        needed = needed.max(keepdims=True)
    grown: np.ndarray = np.maximum(scale, needed).astype(np.float32)
    return grown


def _grid(scale: np.ndarray, how: Weights, shape: tuple[int, ...]) -> Quantization:
    zeros = np.zeros(scale.shape, np.int32)
    if how.granularity == "per-block":
        return Quantization(scale, zeros, len(shape) - 1, how.block)
    return Quantization(scale, zeros, 0 if scale.size > 1 else None)


def _stored(data: np.ndarray, grid: Quantization, how: Weights) -> np.ndarray:
    stored = stored_of(data.astype(np.float32), grid, how.format)
    if how.format.is_float:
        return stored
    most = int(greatest_code(how))
    bounded: np.ndarray = np.clip(stored, -most, most)
    return bounded

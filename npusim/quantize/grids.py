"""From a range of reals to the grid of a number format: scale and zero point.

    asymmetric   scale = (high - low) / (greatest code - lowest code), zero = lowest - low / scale
    symmetric    scale = max |x| / greatest code above the zero point, which is in the middle
    8-bit float  scale = max |x| / greatest number of the format

The range always holds 0, so that 0 has a code (padding and ReLU need it). A range of zero width
has no scale of its own: it gets 1, and 0 is then exact.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.floats import LAYOUTS
from npusim.numerics.formats import FP32, Format
from npusim.numerics.quantization import Quantization
from npusim.numerics.scaled import Scaling, quantized_values, real_values

SMALLEST_SCALE = float(np.float32(2.0**-100))
"""Below it a product of two scales would leave float32."""


def grid_of(low: float, high: float, fmt: Format, symmetric: bool = False) -> Quantization:
    """The grid of `fmt` over [low, high], extended to hold 0; see the module's docstring."""
    low, high = min(low, 0.0), max(high, 0.0)
    if fmt.is_float or symmetric:
        zero = 0 if fmt.is_float or fmt.low < 0 else (fmt.high + 1) // 2
        greatest = LAYOUTS[fmt.name].greatest if fmt.is_float else fmt.high - zero
        return Quantization.per_tensor(_sound(max(-low, high) / greatest), zero)
    scale = _sound((high - low) / (fmt.high - fmt.low))
    zero = int(np.clip(np.rint(fmt.low - low / scale), fmt.low, fmt.high))
    return Quantization.per_tensor(scale, zero)


def _sound(scale: float) -> float:
    """`scale` as a float32 that is neither 0 nor too small to be multiplied; 1 for 0."""
    if scale == 0.0:
        return 1.0
    return float(np.float32(max(scale, SMALLEST_SCALE)))


def bounds_of(grid: Quantization, fmt: Format) -> tuple[float, float]:
    """The least and the greatest real that a per-tensor grid of `fmt` holds."""
    if fmt.is_float:
        greatest = LAYOUTS[fmt.name].greatest * float(grid.scalar_scale)
        return -greatest, greatest
    scale, zero = float(grid.scalar_scale), grid.scalar_zero_point
    return (fmt.low - zero) * scale, (fmt.high - zero) * scale


def stored_of(values: np.ndarray, grid: Quantization, fmt: Format) -> np.ndarray:
    """float32 `values` as `fmt` stores them on `grid`, saturating, as QuantizeLinear does."""
    scale, zero = grid.spread(values.shape)
    return quantized_values(values, scale, zero, Scaling(FP32, fmt))


def through(values: np.ndarray, grid: Quantization, fmt: Format) -> np.ndarray:
    """float32 `values` quantized and dequantized."""
    scale, zero = grid.spread(values.shape)
    stored = quantized_values(values, scale, zero, Scaling(FP32, fmt))
    return real_values(stored, scale, zero, Scaling(fmt, FP32))

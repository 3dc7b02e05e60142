"""Arguments of the vector unit's kernels, by the name of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npusim.doctor.draws import (
    EIGHT_BIT,
    ORDERS,
    Draw,
    array,
    as_view,
    bounds,
    full_range,
    generator,
    output,
)
from npusim.ir.loopnest import Tile
from npusim.kernels.averages import taps_inside
from npusim.kernels.table import Kernels
from npusim.numerics import elementwise, onnx_runtime, pooling, rescale, softmax
from npusim.numerics.quantization import Quantization

PAIRS: dict[str, Callable[..., Any]] = {
    "add_double_rounding": elementwise.fixed_point_sum,
    "add_one_shift": elementwise.one_shift_sum,
    "add_onnx": onnx_runtime.fused_sum,
    "mul_double_rounding": elementwise.fixed_point_product,
    "mul_float32_rint": elementwise.float_product,
    "mul_onnx": onnx_runtime.product_sum,
}
SINGLES: dict[str, Callable[..., Any]] = {
    "rescale_double_rounding": rescale.fixed_point_rescale,
    "rescale_factor8": rescale.factor8_rescale,
    "rescale_float32_half_away": rescale.float_rescale,
    "rescale_float32_ratio": rescale.rounded_ratio_rescale,
    "rescale_half_up": rescale.fixed_point_rescale,
    "rescale_onnx": onnx_runtime.real_rescale,
}
ELEMENTWISE = (*PAIRS, *SINGLES, "dequantize_affine")
QUANTIZERS = ("quantize_half_away", "quantize_onnx", "quantize_rint_reciprocal")
POOLS = ("max_pool_exact", "average_pool_integer", "average_pool_onnx")
MEANS = ("mean_double_rounding", "mean_float32_bias", "mean_float32_rint")
SOFTMAXES = ("softmax_fixed_point", "softmax_onnx", "softmax_table")


@dataclass(frozen=True)
class VectorCase:
    """A kernel's name, what comes before and after its output, and the output's memory."""

    name: str
    before: tuple[Any, ...]
    out: np.ndarray
    after: tuple[Any, ...]

    def run(self, table: Kernels) -> np.ndarray:
        """The output of the kernel of `table`."""
        out = self.out.copy(order="K")
        table.get(self.name)(*self.before, out, *self.after)
        return out


def quantization(draw: Draw, dtype: Any) -> Quantization:
    """Any zero point; scales of ordinary size, powers of two among them (ties)."""
    power = draw.choice((True, False))
    scale = 2.0 ** draw.integer(-7, -2) if power else draw.number(1e-3, 0.5)
    return Quantization.per_tensor(scale, draw.integer(*full_range(dtype)))


def extents(draw: Draw, most: int = 5) -> tuple[int, ...]:
    """One to `most` small extents."""
    return tuple(draw.integer(1, 9) for _ in range(draw.integer(1, most)))


def elementwise_case(draw: Draw, names: Sequence[str] = ELEMENTWISE) -> VectorCase:
    """Add, mul, rescale and dequantize."""
    name, dtype, shape = draw.choice(names), draw.choice(EIGHT_BIT), extents(draw)
    y = quantization(draw, dtype)
    clamp = full_range(dtype)
    if name == "dequantize_affine":
        p = rescale.Affine(y.scalar_scale, y.scalar_zero_point, *clamp)
        out = output(draw, np.float32, shape)
        return VectorCase(name, (array(draw, dtype, shape),), out, (p,))
    count = 2 if name in PAIRS else 1
    inputs = tuple(array(draw, dtype, shape) for _ in range(count))
    scales = [quantization(draw, dtype) for _ in range(count)]
    make = PAIRS[name] if name in PAIRS else SINGLES[name]
    return VectorCase(name, inputs, output(draw, dtype, shape), (make(*scales, y, clamp),))


def quantize_case(draw: Draw, names: Sequence[str] = QUANTIZERS) -> VectorCase:
    """float32 to 8 bits: ordinary values, ties, infinities and what is no number."""
    dtype, shape = draw.choice(EIGHT_BIT), extents(draw)
    y = quantization(draw, dtype)
    rng = generator(draw)
    halves = rng.integers(-600, 600, shape) / 2 * float(y.scalar_scale)
    special = np.array([np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-40])
    x = np.where(rng.random(shape) < 0.1, rng.choice(special, shape), halves).astype(np.float32)
    p = rescale.Affine(y.scalar_scale, y.scalar_zero_point, *full_range(dtype))
    x = as_view(x, draw.choice(ORDERS))
    return VectorCase(draw.choice(names), (x,), output(draw, dtype, shape), (p,))


def pooling_case(draw: Draw, names: Sequence[str] = POOLS) -> VectorCase:
    """Windows of every kind over any tile; divisors with and without padding."""
    dtype = draw.choice(EIGHT_BIT)
    b, height, width = draw.integer(1, 3), draw.integer(1, 7), draw.integer(1, 7)
    k = draw.choice((1, 2, 5, 270))
    taps, strides, dilations = ((draw.integer(1, 3), draw.integer(1, 3)) for _ in range(3))
    padding = draw.integer(0, 2), draw.integer(0, 2)
    geometry = (*taps, *strides, *dilations, *padding)
    whole = (b, k, draw.integer(1, 3), draw.integer(1, 3))
    batch, channels, rows, cols = (bounds(draw, extent) for extent in whole)
    tile = Tile(*batch, 0, 1, *channels, 0, 1, *rows, *cols)
    shape = tuple(last - first for first, last in (batch, rows, cols, channels))
    x, out = array(draw, dtype, (b, height, width, k)), output(draw, dtype, shape)
    clamp = full_range(dtype)
    name = draw.choice(names)
    if name == "max_pool_exact":
        return VectorCase(name, (x,), out, (tile, geometry, clamp))
    divisors = np.maximum(taps_inside(x.shape, tile, geometry), 1)
    if draw.choice((False, True)):
        divisors = np.full_like(divisors, taps[0] * taps[1])
    qx = quantization(draw, dtype)
    p: Any = pooling.IntegerAverage(qx.scalar_zero_point, *clamp)
    if name == "average_pool_onnx":
        p = onnx_runtime.real_rescale(qx, quantization(draw, dtype), clamp)
    return VectorCase(name, (x,), out, (tile, geometry, divisors, p))


def mean_case(draw: Draw, names: Sequence[str] = MEANS) -> VectorCase:
    """Means over a last axis of up to 60 values, or of one."""
    name, dtype = draw.choice(names), draw.choice(EIGHT_BIT)
    taps, kept = draw.integer(1, 60), extents(draw, 3)
    x, y = quantization(draw, dtype), quantization(draw, dtype)
    make = pooling.MEAN_PARAMETERS[name.removeprefix("mean_")]
    p = make(x, y, taps, full_range(dtype))
    values = array(draw, dtype, (*kept, taps))
    return VectorCase(name, (values,), output(draw, dtype, kept), (p,))


def softmax_case(draw: Draw, names: Sequence[str] = SOFTMAXES) -> VectorCase:
    """Softmax over rows of up to 40 values."""
    name, dtype = draw.choice(names), draw.choice(EIGHT_BIT)
    clamp = full_range(dtype)
    shape = (*extents(draw), draw.integer(2, 40))
    x, beta = quantization(draw, dtype), draw.choice((1.0, 0.5, 2.0))
    y = softmax.fixed_output(clamp)
    if name == "softmax_onnx":
        p: Any = onnx_runtime.softmax_table(x, y, beta, clamp, shape[-1])
    else:
        make = softmax.SOFTMAX_PARAMETERS[name.removeprefix("softmax_")]
        p = make(x, y, beta, clamp, shape[-1])
    return VectorCase(name, (array(draw, dtype, shape),), output(draw, dtype, shape), (p,))

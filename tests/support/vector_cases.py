"""Random arguments of the vector unit's kernels, by the name of the kernel."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from npusim.errors import UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.kernels.averages import taps_inside
from npusim.kernels.table import Kernels, kernels
from npusim.numerics import (
    elementwise,
    fixed_point_unary,
    hard_swish,
    leaky_relu,
    onnx_runtime,
    pairs,
    pooling,
    prelu,
    rescale,
    softmax,
    unary,
)
from npusim.numerics.quantization import Quantization
from tests.support.kernel_cases import EIGHT_BIT, ORDERS, arrays, as_view, bounds

PAIRS: dict[str, Callable[..., Any]] = {
    "add_double_rounding": elementwise.fixed_point_sum,
    "add_one_shift": elementwise.one_shift_sum,
    "add_onnx": onnx_runtime.fused_sum,
    "mul_double_rounding": elementwise.fixed_point_product,
    "mul_float32_rint": elementwise.float_product,
    "mul_onnx": onnx_runtime.product_sum,
    "prelu_double_rounding": prelu.fixed_point_prelu,
    "compare_double_rounding": lambda a, b, y, clamp: pairs.fixed_point_comparison("less", a, b),
    "div_double_rounding": pairs.fixed_point_quotient,
    "pair_stored": lambda a, b, y, clamp: pairs.StoredPair(pairs.floor_quotient, *clamp),
    "pair_through_float": functools.partial(pairs.real_pair, "div"),
    "squared_double_rounding": lambda *given: _unless_refused(
        pairs.fixed_point_squared_difference, *given
    ),
}


def _table(arithmetic: str) -> Callable[..., Any]:
    """Parameters of a table of GELU, which needs an attribute."""
    return lambda x, y, clamp: unary.real_function(arithmetic, "gelu", (True,), x, y, clamp)


def _unless_refused(make: Callable[..., Any], *given: Any) -> Any:
    """Parameters, or another draw where the arithmetic does not take these scales."""
    try:
        return make(*given)
    except UnsupportedModelError:
        reject()


SINGLES: dict[str, Callable[..., Any]] = {
    "abs_double_rounding": fixed_point_unary.fixed_point_abs,
    "hard_swish_fixed_point": functools.partial(_unless_refused, hard_swish.fixed_point_hard_swish),
    "leaky_relu_double_rounding": functools.partial(leaky_relu.fixed_point_leaky_relu, alpha=-0.3),
    "leaky_relu_factor8": functools.partial(leaky_relu.factor8_leaky_relu, alpha=0.2),
    "rescale_double_rounding": rescale.fixed_point_rescale,
    "rescale_factor8": rescale.factor8_rescale,
    "rescale_float32_half_away": rescale.float_rescale,
    "rescale_half_up": rescale.fixed_point_rescale,
    "rescale_onnx": onnx_runtime.real_rescale,
    "rsqrt_fixed_point": fixed_point_unary.fixed_point_rsqrt,
    "unary_lookup": _table("lookup"),
    "unary_onnx": _table("onnx"),
    "unary_rint_lookup": _table("rint_lookup"),
    "unary_truncated_lookup": _table("truncated_lookup"),
}
QUANTIZERS = ("quantize_half_away", "quantize_onnx", "quantize_rint_reciprocal")
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


def assert_equals_reference(case: VectorCase, path: str) -> None:
    """The kernel of `path` gives the reference's output."""
    np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))


def full_range(dtype: Any) -> tuple[int, int]:
    """Lowest and highest value of an integer type."""
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


@st.composite
def quantizations(draw: st.DrawFn, dtype: Any) -> Quantization:
    """Any zero point; scales of ordinary size, powers of two among them (ties)."""
    powers = st.integers(-7, -2).map(lambda power: 2.0**power)
    scale = draw(st.one_of(powers, st.floats(1e-3, 0.5)))
    return Quantization.per_tensor(scale, draw(st.integers(*full_range(dtype))))


@st.composite
def outputs(draw: st.DrawFn, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Memory for an output, contiguous or not."""
    return as_view(np.zeros(shape, dtype), draw(st.sampled_from(ORDERS)))


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, ...]:
    """One to five small extents."""
    return tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=5)))


@st.composite
def elementwise_cases(draw: st.DrawFn) -> VectorCase:
    """Functions of one and of two elements, rescaling and dequantization."""
    name = draw(st.sampled_from([*PAIRS, *SINGLES, "dequantize_affine"]))
    dtype = draw(st.sampled_from(EIGHT_BIT))
    shape = draw(shapes())
    y = draw(quantizations(dtype))
    clamp = full_range(dtype)
    if name == "dequantize_affine":
        p = rescale.Affine(y.scalar_scale, y.scalar_zero_point, *clamp)
        out = draw(outputs(np.float32, shape))
        return VectorCase(name, (draw(arrays(dtype, shape)),), out, (p,))
    count = 2 if name in PAIRS else 1
    inputs = tuple(draw(arrays(dtype, shape)) for _ in range(count))
    scales = [draw(quantizations(dtype)) for _ in range(count)]
    make = PAIRS[name] if name in PAIRS else SINGLES[name]
    out_type = np.bool_ if name.startswith("compare_") else dtype
    return VectorCase(name, inputs, draw(outputs(out_type, shape)), (make(*scales, y, clamp),))


@st.composite
def quantize_cases(draw: st.DrawFn) -> VectorCase:
    """float32 to 8 bits: ordinary values, ties, infinities and what is no number."""
    dtype = draw(st.sampled_from(EIGHT_BIT))
    shape = draw(shapes())
    y = draw(quantizations(dtype))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    halves = rng.integers(-600, 600, shape) / 2 * float(y.scalar_scale)
    special = np.array([np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-40])
    x = np.where(rng.random(shape) < 0.1, rng.choice(special, shape), halves).astype(np.float32)
    p = rescale.Affine(y.scalar_scale, y.scalar_zero_point, *full_range(dtype))
    x = as_view(x, draw(st.sampled_from(ORDERS)))
    return VectorCase(draw(st.sampled_from(QUANTIZERS)), (x,), draw(outputs(dtype, shape)), (p,))


@st.composite
def pooling_cases(draw: st.DrawFn) -> VectorCase:
    """Windows of every kind over any tile; divisors with and without padding."""
    dtype = draw(st.sampled_from(EIGHT_BIT))
    small = st.integers(1, 3)
    b, height, width = draw(small), draw(st.integers(1, 7)), draw(st.integers(1, 7))
    k = draw(st.sampled_from([1, 2, 5, 270]))
    taps, strides, dilations = ((draw(small), draw(small)) for _ in range(3))
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    geometry = (*taps, *strides, *dilations, *padding)
    limits = [draw(bounds(extent)) for extent in (b, k, draw(small), draw(small))]
    batch, channels, rows, cols = limits
    tile = Tile(*batch, 0, 1, *channels, 0, 1, *rows, *cols)
    shape = tuple(last - first for first, last in (batch, rows, cols, channels))
    x, out = draw(arrays(dtype, (b, height, width, k))), draw(outputs(dtype, shape))
    clamp = full_range(dtype)
    name = draw(st.sampled_from(["max_pool_exact", "average_pool_integer", "average_pool_onnx"]))
    if name == "max_pool_exact":
        return VectorCase(name, (x,), out, (tile, geometry, clamp))
    divisors = np.maximum(taps_inside(x.shape, tile, geometry), 1)
    if draw(st.booleans()):
        divisors = np.full_like(divisors, taps[0] * taps[1])
    qx = draw(quantizations(dtype))
    p: Any = pooling.IntegerAverage(qx.scalar_zero_point, *clamp)
    if name == "average_pool_onnx":
        p = onnx_runtime.real_rescale(qx, draw(quantizations(dtype)), clamp)
    return VectorCase(name, (x,), out, (tile, geometry, divisors, p))


@st.composite
def mean_cases(draw: st.DrawFn) -> VectorCase:
    """Means over a last axis of up to 60 values, or of one."""
    name = draw(st.sampled_from(MEANS))
    dtype = draw(st.sampled_from(EIGHT_BIT))
    taps = draw(st.integers(1, 60))
    kept = draw(shapes())[:3]
    x, y = draw(quantizations(dtype)), draw(quantizations(dtype))
    make = pooling.MEAN_PARAMETERS[name.removeprefix("mean_")]
    p = make(x, y, taps, full_range(dtype))
    return VectorCase(name, (draw(arrays(dtype, (*kept, taps))),), draw(outputs(dtype, kept)), (p,))


@st.composite
def softmax_cases(draw: st.DrawFn) -> VectorCase:
    """Softmax over rows of up to 40 values."""
    name = draw(st.sampled_from(SOFTMAXES))
    dtype = draw(st.sampled_from(EIGHT_BIT))
    low, high = full_range(dtype)
    shape = (*draw(shapes()), draw(st.integers(2, 40)))
    x, beta = draw(quantizations(dtype)), draw(st.sampled_from([1.0, 0.5, 2.0]))
    y = softmax.fixed_output((low, high))
    if name == "softmax_onnx":
        p: Any = onnx_runtime.softmax_table(x, y, beta, (low, high), shape[-1])
    else:
        make = softmax.SOFTMAX_PARAMETERS[name.removeprefix("softmax_")]
        p = make(x, y, beta, (low, high), shape[-1])
    return VectorCase(name, (draw(arrays(dtype, shape)),), draw(outputs(dtype, shape)), (p,))

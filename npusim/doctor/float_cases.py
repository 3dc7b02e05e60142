"""Arguments of the floating-point kernels of the MAC array and its output stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.doctor.array_cases import convolution
from npusim.doctor.draws import ORDERS, Draw, as_view, generator
from npusim.ir.loopnest import Tile
from npusim.kernels.table import Kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_drain import FloatDrain
from npusim.numerics.floats import LAYOUTS, decode, rounded
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Format

OPERANDS = (FP8_E4M3, FP8_E5M2, FP16, BF16, FP32)
SUMS = (FP16, BF16, FP32)
KINDS = ("any", "ordinary", "near", "integers", "tiny", "huge")


@dataclass(frozen=True)
class FloatConvolutionCase:
    """Arguments of `conv_accumulate_float`."""

    x: np.ndarray
    w: np.ndarray
    acc: np.ndarray
    tile: Tile
    geometry: tuple[int, int, int, int, int, int]
    accumulation: Accumulation

    def run(self, table: Kernels) -> np.ndarray:
        """The bits of the accumulators afterwards; every NaN has the same ones."""
        acc = self.acc.copy(order="K")
        accumulate = table.get("conv_accumulate_float")
        accumulate(self.x, self.w, acc, self.tile, self.geometry, self.accumulation)
        return float_bits(acc)


def float_bits(values: np.ndarray) -> np.ndarray:
    """uint32 bits of float32 `values`: tells zeros of both signs apart, but no NaN."""
    one_nan = np.where(np.isnan(values), np.float32(np.nan), values).astype(np.float32)
    return one_nan.view(np.uint32)


def accumulation(draw: Draw) -> Accumulation:
    """Every way to sum; one product after the other in half of them."""
    return Accumulation(
        draw.choice(SUMS),
        draw.choice(("infinity", "saturate")),
        draw.choice((1, 1, 1, 2, 3, 4, 5, 8, 16)),
        draw.choice(("exact", "exact", "rounded")),
        draw.choice(("keep", "keep", "flush")),
    )


def float_convolution(draw: Draw, depthwise: bool = False) -> FloatConvolutionCase:
    """The shapes of `convolution` with operands of any two formats."""
    shapes = convolution(draw, depthwise)
    how = accumulation(draw)
    return FloatConvolutionCase(
        numbers(draw, draw.choice(OPERANDS), shapes.x.shape),
        numbers(draw, draw.choice(OPERANDS), shapes.w.shape),
        numbers(draw, how.format, shapes.acc.shape),
        shapes.tile,
        shapes.geometry,
        how,
    )


def numbers(draw: Draw, fmt: Format, shape: tuple[int, ...]) -> np.ndarray:
    """float32 values that are numbers of `fmt`, some of them zeros, in any memory layout."""
    rng, kind = generator(draw), draw.choice(KINDS)
    if kind == "any":
        codes = rng.integers(0, 2**fmt.bits, shape, np.uint32 if fmt.bits == 32 else np.uint16)
        values = decode(codes.astype(f"uint{fmt.bits}").view(fmt.dtype), fmt)
    else:
        scale = {"tiny": LAYOUTS[fmt.name].least_normal, "huge": LAYOUTS[fmt.name].greatest}
        drawn = rng.standard_normal(shape) * scale.get(kind, 1.0)
        if kind == "near":
            drawn = rng.choice((-1.0, 1.0), shape) * rng.uniform(1, 2, shape)
        elif kind == "integers":
            drawn = np.rint(4 * drawn)
        values = np.where(rng.random(shape) < 0.1, np.copysign(0.0, drawn), drawn)
        with np.errstate(over="ignore"):
            values = rounded(values, fmt, saturate=True).astype(np.float32)
    return as_view(values, draw.choice(ORDERS))


@dataclass(frozen=True)
class FloatDrainCase:
    """Arguments of `drain_float`."""

    acc: np.ndarray
    parameters: FloatDrain
    out: np.ndarray

    def run(self, table: Kernels) -> np.ndarray:
        """The bytes of the output."""
        out = self.out.copy(order="K")
        table.get("drain_float")(self.acc, self.parameters, out)
        return np.ascontiguousarray(out).view(f"uint{8 * out.itemsize}")


def float_drain(draw: Draw) -> FloatDrainCase:
    """Drains with and without each of their steps, into every format."""
    shape = tuple(draw.integer(1, extent) for extent in (2, 3, 3, 4, 23))
    rng, out = generator(draw), draw.choice(OPERANDS)
    factors = [rng.standard_normal(shape[3] * shape[4]).astype(np.float32) for _ in range(2)]
    scale, bias = (draw.choice((None, values)) for values in factors)
    low, high = draw.choice(((-np.inf, np.inf), (0.0, np.inf), (0.0, 6.0), (-0.5, 0.25)))
    out_scale = draw.choice((None, np.float32(draw.number(1e-3, 10.0))))
    drain = FloatDrain(scale, bias, low, high, out_scale, out, draw.choice((False, True)))
    stored = as_view(np.zeros(shape, out.dtype), draw.choice(ORDERS))
    return FloatDrainCase(numbers(draw, draw.choice((*SUMS, out)), shape), drain, stored)

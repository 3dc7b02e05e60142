"""Speed of floating-point sums: matrix products and layers, by operands and accumulator.

    python -m tests.benchmarks.bench_floats [--path c|numba] [--size N] [--repeat N]

One product after the other, each sum rounded once, subnormals kept. Prints 10^9 operations (1 MAC =
2) per second of thread CPU time, medians of interleaved runs, packing included, beside what numpy's
float32 matrix product of the same shape reaches (its sums are float32 in an order of its own) and
beside the ceiling: the same additions in registers only. Both are measured in the same rounds.
Every result is compared with the reference on some of its pixels. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np

from npusim.kernels.table import PATHS, kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.floats import LAYOUTS, rounded
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Format
from tests.benchmarks.bench_kernels import gops

LAYERS = {
    "3x3, 14x14, 256 to 256": (14, 1, 256, 256, 3),
    "1x1, 56x56, 64 to 256": (56, 1, 64, 256, 1),
    "depthwise 3x3, 56x56, 144": (56, 144, 1, 1, 3),
}
"""Image size, groups, input and output channels of a group, taps."""
PAIRS = (
    (FP8_E4M3, FP16), (FP8_E5M2, FP16), (FP8_E4M3, FP32), (FP16, FP16), (FP16, FP32),
    (BF16, BF16), (BF16, FP32), (FP32, FP32),
)  # fmt: skip
"""Operands and accumulators."""
CHECKED_PIXELS = 3
CEILING_ROUNDS = 20_000

Work = Callable[[], int]


def layer(path: str, shape: tuple[int, ...], operand: Format, how: Accumulation) -> Work:
    """One layer, bound to arrays and compared with the reference."""
    size, groups, channels, filters, taps = shape
    rng = np.random.default_rng(0)

    def numbers(*extents: int) -> np.ndarray:
        return rounded(rng.standard_normal(extents), operand).astype(np.float32)

    x, w = numbers(1, size, size, groups, channels), numbers(groups, filters, taps, taps, channels)
    geometry = (1, 1, 1, 1, taps // 2, taps // 2)
    run = kernels(path).get("conv_accumulate_float")

    def sums(accumulate: Callable[..., None], rows: int, cols: int) -> np.ndarray:
        acc = np.zeros((1, rows, cols, groups, filters), np.float32)
        tile = (0, 1, 0, groups, 0, filters, 0, channels, 0, rows, 0, cols)
        accumulate(x, w, acc, tile, geometry, how)
        return acc

    some = sums(kernels("reference").get("conv_accumulate_float"), 1, CHECKED_PIXELS)
    macs = size * size * groups * filters * channels * taps * taps
    assert np.array_equal(sums(run, size, size)[:, :1, :CHECKED_PIXELS], some)

    def once() -> int:
        sums(run, size, size)
        return macs

    return once


def matmul(path: str, size: int, operand: Format, how: Accumulation) -> Work:
    """A product of square matrices: rows are pixels."""
    rng = np.random.default_rng(0)
    x, w = (
        rounded(rng.standard_normal((size, size)), operand).astype(np.float32) for _ in range(2)
    )
    tile = (0, size, 0, 1, 0, size, 0, size, 0, 1, 0, 1)

    def sums(accumulate: Callable[..., None], rows: int) -> np.ndarray:
        acc = np.zeros((rows, 1, 1, 1, size), np.float32)
        bounds = (0, rows, *tile[2:])
        accumulate(
            x[:rows, None, None, None], w[None, :, None, None], acc, bounds, (1, 1, 1, 1, 0, 0), how
        )
        return acc

    some = sums(kernels("reference").get("conv_accumulate_float"), CHECKED_PIXELS)
    run = kernels(path).get("conv_accumulate_float")
    assert np.array_equal(sums(run, size)[:CHECKED_PIXELS], some)

    def once() -> int:
        sums(run, size)
        return size**3

    return once


def ceiling(operand: Format, total: Format) -> Work:
    """The additions of such products in registers."""
    from npusim.kernels.native.memory import lib

    bits = 2 * (LAYOUTS[operand.name].mantissa_bits + 1)
    mantissa = LAYOUTS[total.name].mantissa_bits

    def once() -> int:
        return int(lib.npusim_float_registers(mantissa, bits, CEILING_ROUNDS))

    return once


def numpy_matmul(size: int) -> Work:
    """numpy's product of float32 matrices."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size)).astype(np.float32) for _ in range(2))

    def once() -> int:
        np.matmul(a, b)
        return size**3

    return once


def works(path: str, size: int) -> dict[tuple[str, str], Work]:
    """Everything that is measured, by instruction set and name."""
    found: dict[tuple[str, str], Work] = {("numpy", "float32"): numpy_matmul(size)}
    for most in instruction_sets(path):
        for operand, total in PAIRS:
            how, name = Accumulation(total, "infinity"), f"{operand.name} in {total.name}"
            found[most, f"{name}, {size}^3"] = limited(most, matmul(path, size, operand, how))
            if path == "c" and most != "generic":
                found[most, f"{name}, ceiling"] = limited(most, ceiling(operand, total))
        for name, shape in LAYERS.items():
            how = Accumulation(FP16, "infinity")
            found[most, f"fp8_e4m3 in fp16, {name}"] = limited(
                most, layer(path, shape, FP8_E4M3, how)
            )
    return found


def instruction_sets(path: str) -> list[str]:
    """Those of this processor, or the path's name."""
    if path != "c":
        return [path]
    from npusim.kernels.native import INSTRUCTION_SETS, instruction_set

    return list(INSTRUCTION_SETS[: INSTRUCTION_SETS.index(instruction_set()) + 1])


def limited(most: str, work: Work) -> Work:
    """`work` with the instruction set `most`; as it is where that is a path without C."""
    if most in PATHS:
        return work
    from npusim.kernels import native

    def once() -> int:
        native.limit_instructions(most)
        try:
            return work()
        finally:
            native.limit_instructions(native.INSTRUCTION_SETS[-1])

    return once


def main() -> None:
    """Print one line a matrix product, layer and instruction set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--path", default="c")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    measured = works(given.path, given.size)
    speeds: dict[tuple[str, str], list[float]] = {key: [] for key in measured}
    for _ in range(given.repeat):
        for key, work in measured.items():
            speeds[key].append(gops(work))
    middle = {key: statistics.median(found) for key, found in speeds.items()}
    for (kind, name), speed in middle.items():
        top = middle.get((kind, name.rpartition(", ")[0] + ", ceiling"), 0.0)
        beside = f"{speed / middle['numpy', 'float32']:5.2f} of numpy's float32"
        share = f", {100 * speed / top:4.0f} % of the ceiling" if top else ""
        print(f"{kind:12} {name:44} {speed:7.1f} GFLOP/s, {beside}{share}")


if __name__ == "__main__":
    main()

"""Speed of whole layers of integers by operands and accumulator, beside that of int8 with int32.

    python -m tests.benchmarks.bench_formats [--path c|numba] [--repeat N]

Prints milliseconds of thread CPU time, medians of interleaved runs, and their ratio to the int8
layer of the same shape; drains included, weights packed before. Every result is compared with the
reference on some rows of its output. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from npusim.kernels.table import kernels
from npusim.numerics.requantize import make_requantizer

SHAPES = {
    "3x3, 56x56, 64 to 64": (56, 1, 64, 64, 3),
    "1x1, 14x14, 256 to 1024": (14, 1, 256, 1024, 1),
    "depthwise 3x3, 56x56, 144": (56, 144, 1, 1, 3),
}
"""Image size, groups, input and output channels of a group, taps."""
BLOCK = 32
FIRST = "int8*int8"
CHECKED_ROWS = 2

Work = Callable[[int], np.ndarray]
"""Makes that many rows of outputs."""


@dataclass(frozen=True)
class Operands:
    """Arrays of one shape."""

    size: int
    x: np.ndarray
    w: np.ndarray
    geometry: tuple[int, ...]

    @staticmethod
    def drawn(shape: tuple[int, ...], x_type: type, weight_bits: int) -> Operands:
        """Random values of whole ranges."""
        size, groups, channels, filters, taps = shape
        rng = np.random.default_rng(0)
        span, most = np.iinfo(x_type), 2 ** (weight_bits - 1)
        x = rng.integers(span.min, span.max + 1, (1, size, size, groups, channels)).astype(x_type)
        w = rng.integers(-most, most, (groups, filters, taps, taps, channels)).astype(np.int8)
        return Operands(size, x, w, (1, 1, 1, 1, taps // 2, taps // 2))

    def output(self, rows: int, dtype: type) -> np.ndarray:
        """Zeros for that many rows."""
        return np.zeros((1, rows, self.size, *self.w.shape[:2]), dtype)

    def tile(self, rows: int) -> tuple[int, ...]:
        """The bounds of that many rows."""
        groups, filters, _, _, channels = self.w.shape
        return (0, 1, 0, groups, 0, filters, 0, channels, 0, rows, 0, self.size)


def layer(path: str, of: Operands) -> Work:
    """The whole layer, drained."""
    wide = of.x.dtype.itemsize == 2
    channels = of.w.shape[0] * of.w.shape[1]
    scale = np.full(channels, 2.0**-13 if wide else 2.0**-9)
    drain = make_requantizer(
        "reduced_multiplier" if wide else "double_rounding", scale.astype(np.float32), scale, 0,
        int(np.iinfo(of.x.dtype).min), int(np.iinfo(of.x.dtype).max),
    )  # fmt: skip
    made = kernels(path).get("convolution_layer_wide" if wide else "convolution_layer")(
        of.w, np.zeros(of.w.shape[:2], np.int32), 0, of.geometry,
        np.zeros(channels, np.int64 if wide else np.int32), drain,
    )  # fmt: skip

    def run(rows: int) -> np.ndarray:
        out = of.output(rows, of.x.dtype.type)
        made(of.x, out)
        return out

    return run


def sums(path: str, of: Operands, name: str, dtype: type, *more: object) -> Work:
    """The partial sums of the layer, by the kernel `name`."""
    accumulate = kernels(path).get(name)
    blocks = -(-of.w.shape[4] // BLOCK)
    shape = (*of.w.shape[:4], blocks) if name.endswith("blocked") else of.w.shape[:2]
    zeros = np.zeros(shape, np.int32)
    extra = (np.full(shape, 0.01, np.float32), *more) if name.endswith("blocked") else more

    def run(rows: int) -> np.ndarray:
        acc = of.output(rows, dtype)
        accumulate(of.x, of.w, acc, of.tile(rows), of.geometry, 0, zeros, *extra)
        return acc

    return run


def cases(path: str, shape: tuple[int, ...]) -> dict[str, Work]:
    """What is timed, by name; the first is what the others are compared with."""
    eight, four = Operands.drawn(shape, np.int8, 8), Operands.drawn(shape, np.int8, 4)
    wide = Operands.drawn(shape, np.int16, 8)
    saturating = "conv_accumulate_saturating"
    return {
        FIRST: layer(path, eight),
        "int8*int4": layer(path, four),
        "int16*int8": layer(path, wide),
        "int16*int4": layer(path, Operands.drawn(shape, np.int16, 4)),
        "int8*int8, saturating int24, sums": sums(path, eight, saturating, np.int64, 24, 1),
        "int8*int8, the same by trees of 16": sums(path, eight, saturating, np.int64, 24, 16),
        f"int8*int4, blocks of {BLOCK}, sums": sums(
            path, four, "conv_accumulate_blocked", np.float32, BLOCK, 32
        ),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", choices=("c", "numba"), default=kernels().path)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    for title, shape in SHAPES.items():
        works = cases(options.path, shape)
        defined = cases("reference", shape)
        times: dict[str, list[float]] = {name: [] for name in works}
        for name, work in works.items():
            found, right = work(shape[0]), defined[name](CHECKED_ROWS)
            # The last rows see the padding below the image, the first ones do not.
            assert np.array_equal(found[:, :CHECKED_ROWS], right), name
        for _ in range(options.repeat):
            for name, work in works.items():
                start = time.thread_time()
                work(shape[0])
                times[name].append(time.thread_time() - start)
        print(f"{title} ({options.path})")
        first = statistics.median(times[FIRST])
        for name, taken in times.items():
            middle = statistics.median(taken)
            print(f"  {name:38} {middle * 1e3:8.2f} ms {middle / first:6.2f} of {FIRST}")


if __name__ == "__main__":
    main()

"""Speed of the kernels on layers of well-known networks.

Run `python -m tests.benchmarks.bench_kernels [c|numba|reference]` from the top of the repository.
Prints useful operations (1 MAC = 2) per second of thread CPU time, the best of several calls.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from npusim.kernels.table import Kernels, kernels
from npusim.numerics.requantize import ARITHMETICS, make_requantizer

REPEATS = 9

CONVOLUTIONS = {
    "1x1, 56x56, 24 to 144": (1, 56, 24, 144, 1, 1, 1),
    "1x1, 14x14, 384 to 64": (1, 14, 384, 64, 1, 1, 1),
    "1x1, 7x7, 320 to 1280": (1, 7, 320, 1280, 1, 1, 1),
    "3x3, 56x56, 64 to 64": (1, 56, 64, 64, 3, 1, 1),
    "3x3, 14x14, 256 to 256": (1, 14, 256, 256, 3, 1, 1),
    "3x3 stride 2, 224x224, 3 to 32": (1, 224, 3, 32, 3, 2, 1),
    "fully connected, 1280 to 1000": (1, 1, 1280, 1000, 1, 1, 1),
    "matrix product 512 x 512 x 512": (512, 1, 512, 512, 1, 1, 1),
    "depthwise 3x3, 112x112, 96": (1, 112, 1, 1, 3, 1, 96),
    "depthwise 3x3, 56x56, 144": (1, 56, 1, 1, 3, 1, 144),
    "depthwise 3x3, 14x14, 384": (1, 14, 1, 1, 3, 1, 384),
}
"""Batch, image size, input and output channels of a group, taps, stride, groups."""


def best_seconds(call: Callable[[], None]) -> float:
    """Least CPU time of one call; the first call (compilation, caches) does not count."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


def convolution(table: Kernels, shape: tuple[int, ...]) -> tuple[float, int]:
    """Seconds and MACs of one layer."""
    batch, size, channels, filters, taps, stride, groups = shape
    rng = np.random.default_rng(0)
    padding = taps // 2
    out = (size + 2 * padding - taps) // stride + 1
    x = rng.integers(-128, 128, (batch, size, size, groups, channels)).astype(np.int8)
    w = rng.integers(-127, 128, (groups, filters, taps, taps, channels)).astype(np.int8)
    acc = np.zeros((batch, out, out, groups, filters), np.int32)
    tile = (0, batch, 0, groups, 0, filters, 0, channels, 0, out, 0, out)
    geometry = (stride, stride, 1, 1, padding, padding)
    zeros = np.zeros((groups, filters), np.int32)
    name = "depthwise_accumulate" if channels == filters == 1 else "conv_accumulate"
    kernel = table.get(name)
    seconds = best_seconds(lambda: kernel(x, w, acc, tile, geometry, -3, zeros))
    return seconds, acc.size * channels * taps * taps


def drain(table: Kernels, arithmetic: str) -> tuple[float, int]:
    """Seconds and elements of one requantization."""
    acc = np.random.default_rng(0).integers(-(2**20), 2**20, (1, 56, 56, 1, 144)).astype(np.int32)
    scale = np.full(144, 1e-4)
    requantizer = make_requantizer(arithmetic, scale.astype(np.float32), scale, 3, -128, 127)
    out, bias = np.empty(acc.shape, np.int8), np.zeros(144, np.int32)
    kernel = table.get("requantize")
    return best_seconds(lambda: kernel(acc, bias, requantizer, out)), acc.size


def main() -> None:
    """Print one line a kernel."""
    table = kernels(sys.argv[1] if len(sys.argv) > 1 else None)
    print(f"path {table.path}")
    for name, shape in CONVOLUTIONS.items():
        seconds, macs = convolution(table, shape)
        print(f"{name:34} {seconds * 1e3:9.3f} ms {2e-9 * macs / seconds:8.1f} GOP/s")
    for arithmetic in ARITHMETICS:
        seconds, count = drain(table, arithmetic)
        print(f"drain, {arithmetic:27} {seconds * 1e3:9.3f} ms {1e-9 * count / seconds:8.2f} G/s")


if __name__ == "__main__":
    main()

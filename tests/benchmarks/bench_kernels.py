"""Speed of the kernels on matrix products and on layers of well-known networks.

    python -m tests.benchmarks.bench_kernels [--path c|numba] [--double-rounding] [--repeat N]

Layers run as they do in an inference: weights packed before, requantization included. In C, once
for each instruction set of this processor. Prints useful operations (1 MAC = 2) per second of
thread CPU time, the median of runs that are interleaved over all layers and instruction sets, and
the share of what the instructions reach in registers alone, measured in the same rounds. Weights
are random over the whole range. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from npusim.kernels.table import Kernels, kernels
from npusim.numerics.requantize import make_requantizer

LAYERS = {
    "matrix product 512^3": (512, 1, 512, 512, 1, 1, 1),
    "matrix product 1024^3": (1024, 1, 1024, 1024, 1, 1, 1),
    "1x1, 56x56, 64 to 256": (1, 56, 64, 256, 1, 1, 1),
    "1x1, 56x56, 256 to 64": (1, 56, 256, 64, 1, 1, 1),
    "1x1, 14x14, 1024 to 256": (1, 14, 1024, 256, 1, 1, 1),
    "1x1, 7x7, 2048 to 512": (1, 7, 2048, 512, 1, 1, 1),
    "1x1, 56x56, 24 to 144": (1, 56, 24, 144, 1, 1, 1),
    "1x1, 56x56, 144 to 24": (1, 56, 144, 24, 1, 1, 1),
    "1x1, 14x14, 384 to 64": (1, 14, 384, 64, 1, 1, 1),
    "1x1, 7x7, 320 to 1280": (1, 7, 320, 1280, 1, 1, 1),
    "3x3, 56x56, 64 to 64": (1, 56, 64, 64, 3, 1, 1),
    "3x3, 14x14, 256 to 256": (1, 14, 256, 256, 3, 1, 1),
    "7x7 stride 2, 224x224, 3 to 64": (1, 224, 3, 64, 7, 2, 1),
    "3x3 stride 2, 224x224, 3 to 32": (1, 224, 3, 32, 3, 2, 1),
    "fully connected, 1280 to 1000": (1, 1, 1280, 1000, 1, 1, 1),
    "depthwise 3x3, 112x112, 96": (1, 112, 1, 1, 3, 1, 96),
    "depthwise 3x3, 56x56, 144": (1, 56, 1, 1, 3, 1, 144),
    "depthwise 3x3, 14x14, 384": (1, 14, 1, 1, 3, 1, 384),
    "depthwise 3x3 stride 2, 112x112, 96": (1, 112, 1, 1, 3, 2, 96),
}
"""Batch, image size, input and output channels of a group, taps, stride, groups."""
CEILING = "registers only"
CEILING_ROUNDS = 200_000
SHORTEST_S = 1e-3
"""Short layers are repeated until they take about this long."""

Work = Callable[[], int]
"""Does something once and returns its MACs."""


def layer(table: Kernels, shape: tuple[int, ...], arithmetic: str) -> Work:
    """One layer, bound to arrays, its weights packed."""
    batch, size, channels, filters, taps, stride, groups = shape
    rng = np.random.default_rng(0)
    padding = taps // 2
    extent = (size + 2 * padding - taps) // stride + 1
    x = rng.integers(-128, 128, (batch, size, size, groups, channels)).astype(np.int8)
    w = rng.integers(-128, 128, (groups, filters, taps, taps, channels)).astype(np.int8)
    out = np.empty((batch, extent, extent, groups, filters), np.int8)
    zeros, bias = np.zeros((groups, filters), np.int32), np.zeros(groups * filters, np.int32)
    scale = np.full(bias.size, 1e-4)
    requantizer = make_requantizer(arithmetic, scale.astype(np.float32), scale, 3, -128, 127)
    geometry = (stride, stride, 1, 1, padding, padding)
    run = table.get("convolution_layer")(w, zeros, -3, geometry, bias, requantizer)
    run(x, out)
    macs = out.size * channels * taps * taps

    def once() -> int:
        run(x, out)
        return macs

    return once


def works(path: str | None, arithmetic: str) -> dict[tuple[str, str], Work]:
    """Everything that is measured, by instruction set (or path) and name."""
    table = kernels(path)
    if table.path != "c":
        return {(table.path, name): layer(table, shape, arithmetic)
                for name, shape in LAYERS.items()}  # fmt: skip
    from npusim.kernels import native

    found: dict[tuple[str, str], Work] = {}
    for most in native.INSTRUCTION_SETS:
        native.limit_instructions(most)
        if native.instruction_set() == most:
            if most != "generic":
                found[most, CEILING] = limited(most, ceiling)
            for name, shape in LAYERS.items():
                found[most, name] = limited(most, layer(table, shape, arithmetic))
    native.limit_instructions(native.INSTRUCTION_SETS[-1])
    return found


def ceiling() -> int:
    """MACs of one round in registers."""
    from npusim.kernels import native

    return native.multiply_registers(CEILING_ROUNDS)


def limited(most: str, work: Work) -> Work:
    """`work` with the instruction set `most`."""
    from npusim.kernels import native

    def once() -> int:
        native.limit_instructions(most)
        return work()

    return once


def gops(work: Work) -> float:
    """10^9 operations per second of thread CPU time, over at least SHORTEST_S."""
    macs, start = 0, time.thread_time()
    while (seconds := time.thread_time() - start) < SHORTEST_S:
        macs += work()
    return 2e-9 * macs / seconds


def main() -> None:
    """Print one line a layer and instruction set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--path")
    parser.add_argument("--double-rounding", action="store_true")
    parser.add_argument("--repeat", type=int, default=9)
    given = parser.parse_args()
    measured = works(given.path, "double_rounding" if given.double_rounding else "float32_rint")
    speeds: dict[tuple[str, str], list[float]] = {key: [] for key in measured}
    for _ in range(given.repeat):
        for key, work in measured.items():
            speeds[key].append(gops(work))
    for (kind, name), found in speeds.items():
        middle = statistics.median(found)
        top = statistics.median(speeds.get((kind, CEILING), [0.0]))
        share = f"{100 * middle / top:5.0f} % of the ceiling" if top else ""
        print(f"{kind:12} {name:36} {middle:8.1f} GOP/s, best {max(found):6.1f} {share}")


if __name__ == "__main__":
    main()

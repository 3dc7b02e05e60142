"""Every fast kernel against the numpy reference that defines it, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from npusim.doctor import sum_cases, vector_cases
from npusim.doctor.array_cases import convolution, layer, requantization
from npusim.doctor.draws import RandomDraw
from npusim.doctor.float_cases import float_convolution, float_drain
from npusim.doctor.operator_cases import operator_cases
from npusim.kernels.table import Kernels, kernels, native_available

CASES = 24
"""Cases of each kernel whose cases are drawn one by one."""
ROUND = 12
"""So many cases of a kernel go with one of each operator, profile and format."""
PLAIN_C = "plain c"
"""The path without vector instructions, for processors that have none."""
LIMITS = {PLAIN_C: "generic", "c, avx2": "avx2"}
"""Paths in C that use less than this processor has, and what they use."""
INSTRUCTIONS = (
    "conv_accumulate", "conv_accumulate_float", "conv_accumulate_wide", "convolution_layer",
    "convolution_layer_wide", "depthwise_accumulate",
)  # fmt: skip
"""Kernels in C that are written once for each instruction set."""

Run = Callable[[Kernels], np.ndarray]
Progress = Callable[[str], None]
"""Told which path is checked next."""


@dataclass(frozen=True)
class KernelCheck:
    """What became of one kernel on one path: cases run, and those whose bits differ.

    `error` is what the kernel raised, if it did.
    """

    path: str
    kernel: str
    cases: int
    differing: int
    error: str | None = None

    @property
    def agrees(self) -> bool:
        """True if every case gave the reference's bits."""
        return self.differing == 0 and self.error is None


@dataclass(frozen=True)
class SelfCheck:
    """All checks; `unchecked` are (path, kernel) that differ from the reference and had no case,
    `reference_only` the kernels that no path has a fast version of."""

    checks: tuple[KernelCheck, ...]
    unchecked: tuple[tuple[str, str], ...]
    reference_only: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True if no kernel differs and none was left out."""
        return all(check.agrees for check in self.checks) and not self.unchecked


def self_check(seed: int = 0, cases: int = CASES, progress: Progress | None = None) -> SelfCheck:
    """Run every fast kernel of every path that is installed; the same seed gives the same cases."""
    paths = _paths()
    reference = kernels("reference")
    runs = list(_runs(seed, cases))
    expected = [run(reference) for _, run in runs]
    checks: list[KernelCheck] = []
    unchecked = []
    for path in paths:
        if progress is not None:
            progress(path)
        table = table_of(path)
        fast = list(INSTRUCTIONS) if path in LIMITS else _fast(table)
        with limited(LIMITS.get(path)):
            found = _check(path, table, runs, expected, fast)
        checks += found
        seen = {check.kernel for check in found}
        unchecked += [(path, name) for name in fast if name not in seen]
    everywhere = {name for path in paths for name in _fast(table_of(path))}
    left = tuple(name for name in reference.table if name not in everywhere)
    return SelfCheck(tuple(checks), tuple(unchecked), left)


def _paths() -> list[str]:
    """The paths to check: C with fewer instructions is one of its own where there are better."""
    if not native_available():
        return ["numba"]
    from npusim.kernels.native import INSTRUCTION_SETS, instruction_set

    best = INSTRUCTION_SETS.index(instruction_set())
    less = [path for path, most in LIMITS.items() if INSTRUCTION_SETS.index(most) < best]
    return ["c", *less, "numba"]


def table_of(path: str) -> Kernels:
    """The kernels of a path of the self-check; for one of LIMITS see `limited`."""
    return kernels("c" if path in LIMITS else path)


def _fast(table: Kernels) -> list[str]:
    """The kernels that a path has a version of its own of."""
    reference = kernels("reference").table
    return sorted(name for name, kernel in table.table.items() if kernel is not reference[name])


@contextmanager
def limited(most: str | None) -> Iterator[None]:
    """Convolutions with no more than the instruction set `most` meanwhile."""
    if most is None:
        yield
        return
    from npusim.kernels.native import INSTRUCTION_SETS, limit_instructions

    limit_instructions(most)
    try:
        yield
    finally:
        limit_instructions(INSTRUCTION_SETS[-1])


def _check(
    path: str, table: Kernels, runs: Iterable[tuple[str, Run]], expected: Iterable[np.ndarray],
    fast: Iterable[str],
) -> list[KernelCheck]:  # fmt: skip
    """One result a kernel of `fast` that has a case."""
    wanted = set(fast)
    total: dict[str, int] = {}
    differing: dict[str, int] = {}
    errors: dict[str, str] = {}
    for (name, run), right in zip(runs, expected, strict=True):
        if name not in wanted:
            continue
        total[name] = total.get(name, 0) + 1
        try:
            equal = _same_bits(run(table), right)
        except Exception as error:  # a kernel that fails is a finding, not the end of the check
            errors.setdefault(name, f"{type(error).__name__}: {error}")
            equal = False
        differing[name] = differing.get(name, 0) + (not equal)
    return [
        KernelCheck(path, name, total[name], differing[name], errors.get(name))
        for name in sorted(total)
    ]


def _same_bits(found: np.ndarray, right: np.ndarray) -> bool:
    """True for equal types and values; what is no number equals itself."""
    same_type = found.dtype == right.dtype
    return same_type and np.array_equal(found, right, equal_nan=right.dtype.kind == "f")


def _runs(seed: int, cases: int) -> Iterator[tuple[str, Run]]:
    """(kernel, how to run it from a table) of every case, random ones and edges alike."""
    draw = RandomDraw(seed)
    for _ in range(cases):
        for depthwise, name in ((False, "conv_accumulate"), (True, "depthwise_accumulate")):
            yield name, partial(convolution(draw, depthwise).run, name=name)
            yield "convolution_layer", layer(draw, depthwise).run
            yield "conv_accumulate_float", float_convolution(draw, depthwise).run
        yield "requantize", requantization(draw).run
        yield "drain_float", float_drain(draw).run
        yield "requantize_wide", sum_cases.wide_drain(draw).run
        for depthwise in (False, True):
            yield "convolution_layer_wide", sum_cases.wide_layer(draw, depthwise).run
            for name, drawn in SUM_CASES.items():
                yield name, partial(drawn(draw, depthwise).run, name=name)
    for make, names in VECTOR_CASES:
        for name in names:
            for _ in range(cases):
                yield name, make(draw, (name,)).run
    for _ in range(max(1, cases // ROUND)):
        for case in operator_cases(draw):
            yield case.name, case.run


SUM_CASES = {
    "conv_accumulate_blocked": sum_cases.blocked,
    "conv_accumulate_saturating": sum_cases.saturating,
    "conv_accumulate_wide": sum_cases.wide,
}
"""Makers of cases of the other sums of the array, by their kernel."""
VECTOR_CASES = (
    (vector_cases.elementwise_case, vector_cases.ELEMENTWISE),
    (vector_cases.quantize_case, vector_cases.QUANTIZERS),
    (vector_cases.pooling_case, vector_cases.POOLS),
    (vector_cases.mean_case, vector_cases.MEANS),
    (vector_cases.softmax_case, vector_cases.SOFTMAXES),
)
"""Makers of cases, and the kernels that they make them for."""

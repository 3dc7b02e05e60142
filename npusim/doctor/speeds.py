"""How fast each kernel of each path is: a few milliseconds on sizes as layers have them.

Convolutions count operations, a multiply-add as two, all others the values that they write, or
read if those are more. CPU time of one thread, the best of a few runs; `tests/benchmarks` measures
whole layers with more care.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from npusim.doctor import float_cases, selfcheck, sum_cases, vector_cases
from npusim.doctor.array_cases import ConvolutionCase, LayerCase, requantization
from npusim.doctor.draws import Draw, RandomDraw, full_range
from npusim.doctor.operator_cases import operator_cases
from npusim.doctor.vector_cases import VectorCase
from npusim.ir.loopnest import Tile
from npusim.kernels.averages import taps_inside
from npusim.kernels.table import Kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.formats import FP8_E4M3, FP16
from npusim.numerics.requantize import make_requantizer

OPERATIONS, VALUES = "operations/s", "values/s"
FEWEST, SHORTEST_S, SHORTEST_RUN_S = 3, 2e-3, 1e-6
"""Runs of a kernel, the CPU time that they take at least, and the least that is believed of one."""
ELEMENTS = 1 << 17
"""Values of an elementwise kernel: as many as an image of 32 x 32 with 128 channels has."""
SIZE, CHANNELS, GROUPS = 14, 64, 96
"""Of the convolutions: 3x3 on SIZE^2 pixels, CHANNELS in and out; depthwise GROUPS channels."""

Once = Callable[[], object]
Prepare = Callable[[Kernels], Once]


@dataclass(frozen=True)
class Work:
    """What is timed: how to prepare a run from a table, and how much of `unit` a run does."""

    prepare: Prepare
    amount: int
    unit: str


@dataclass(frozen=True)
class Speed:
    """`per_second` operations or values of a kernel of a path; `unit` says which."""

    path: str
    kernel: str
    per_second: float
    unit: str


def speeds(checked: selfcheck.SelfCheck, progress: selfcheck.Progress | None = None) -> list[Speed]:
    """One of each kernel that was checked and agrees, if there is a workload for it."""
    work = dict(_workloads())
    found = []
    for path in dict.fromkeys(check.path for check in checked.checks):
        if progress is not None:
            progress(f"speed of {path}")
        own = [check for check in checked.checks if check.path == path and check.agrees]
        with selfcheck.limited(selfcheck.LIMITS.get(path)):
            table = selfcheck.table_of(path)
            found += [
                Speed(path, check.kernel, _per_second(work[check.kernel], table),
                      work[check.kernel].unit)
                for check in own if check.kernel in work
            ]  # fmt: skip
    return found


def _per_second(work: Work, table: Kernels) -> float:
    once = work.prepare(table)
    once()  # compiles and packs what is done once
    runs: list[float] = []
    while len(runs) < FEWEST or sum(runs) < SHORTEST_S:
        start = time.thread_time()
        once()
        runs.append(max(time.thread_time() - start, SHORTEST_RUN_S))
    return work.amount / min(runs)


def _workloads() -> Iterator[tuple[str, Work]]:
    """The work of each kernel that has one, by its name."""
    draw = RandomDraw(0)
    yield from _convolutions(draw)
    for case in _vector_cases(draw):
        read = max(given.size for given in case.before if isinstance(given, np.ndarray))
        yield case.name, Work(partial(_bound, case.run), max(read, case.out.size), VALUES)
    for name, drawn in _drains(draw):
        yield name, Work(partial(_bound, drawn.run), drawn.out.size, VALUES)


def _bound(run: Callable[..., Any], table: Kernels, **more: Any) -> Once:
    return partial(run, table, **more)


def _products(x: Any, w: Any, acc: Any, depthwise: bool = False) -> ConvolutionCase:
    """A 3x3 convolution with stride 1 and padding, symmetric weights, sums in `acc`."""
    rng = np.random.default_rng(0)
    groups, channels = (GROUPS, 1) if depthwise else (1, CHANNELS)
    shape = (1, SIZE, SIZE, groups, channels)
    tile = Tile(0, 1, 0, groups, 0, channels, 0, channels, 0, SIZE, 0, SIZE)
    return ConvolutionCase(
        rng.integers(*full_range(x), shape).astype(x),
        rng.integers(*full_range(w), (groups, channels, 3, 3, channels)).astype(w),
        np.zeros(shape, acc), tile, (1, 1, 1, 1, 1, 1), 0, np.zeros((groups, channels), np.int32),
    )  # fmt: skip


def _operations(case: ConvolutionCase | float_cases.FloatConvolutionCase) -> int:
    return 2 * case.acc.size * int(np.prod(case.w.shape[2:]))


def _convolutions(draw: Draw) -> Iterator[tuple[str, Work]]:
    """The sums of the array, and whole layers."""
    plain = _products(np.int8, np.int8, np.int32)
    depthwise = _products(np.int8, np.int8, np.int32, depthwise=True)
    wide = _products(np.int16, np.int8, np.int64)
    floats = _float_products(plain)
    scale = np.full((*wide.w.shape[:4], CHANNELS // 32), 1e-3, np.float32)
    blocks = replace(
        wide, acc=np.zeros(wide.acc.shape, np.float32), w_zero=np.zeros(scale.shape, np.int32)
    )
    cases: tuple[tuple[str, Any, ConvolutionCase], ...] = (
        ("conv_accumulate", plain, plain),
        ("depthwise_accumulate", depthwise, depthwise),
        ("conv_accumulate_wide", sum_cases.SumCase(wide, ()), wide),
        ("conv_accumulate_saturating", sum_cases.SumCase(wide, (24, 1)), wide),
        ("conv_accumulate_blocked", sum_cases.SumCase(blocks, (scale, 32, 32)), blocks),
    )
    for name, case, products in cases:
        yield name, Work(partial(_bound, case.run, name=name), _operations(products), OPERATIONS)
    yield (
        "conv_accumulate_float",
        Work(partial(_bound, floats.run), _operations(floats), OPERATIONS),
    )
    for name, products, out in (
        ("convolution_layer", plain, np.int8), ("convolution_layer_wide", wide, np.int16)
    ):  # fmt: skip
        case = LayerCase(products, _drain(draw, products.acc.shape, out), name)
        yield name, Work(partial(_layer, case), _operations(products), OPERATIONS)


def _float_products(shapes: ConvolutionCase) -> float_cases.FloatConvolutionCase:
    """The same shapes with FP8 operands, summed in FP16."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-8, 9, a.shape).astype(np.float32) / 8 for a in (shapes.x, shapes.w))
    how = replace(Accumulation(), format=FP16, on_overflow="infinity", compute=FP8_E4M3)
    acc = np.zeros(shapes.acc.shape, np.float32)
    return float_cases.FloatConvolutionCase(x, w, acc, shapes.tile, shapes.geometry, how)


def _layer(case: LayerCase, table: Kernels) -> Once:
    """A layer that has packed its weights."""
    it = case.products
    make = table.get(case.name)
    layer = make(it.w, it.w_zero, it.x_zero, it.geometry, case.drain.bias, case.drain.requantizer)
    return partial(layer, it.x, case.drain.out)


def _drain(draw: Draw, shape: tuple[int, ...], dtype: Any) -> Any:
    """Arguments of a drain in contiguous memory, float32 arithmetic."""
    drawn = sum_cases.wide_drain(draw, shape) if dtype != np.int8 else requantization(draw, shape)
    channels = shape[3] * shape[4]
    scale = np.full(channels, 1e-4)
    low, high = full_range(dtype)
    by = make_requantizer("float32_rint", scale.astype(np.float32), scale, 0, low, high)
    acc = np.ascontiguousarray(drawn.acc)
    return replace(drawn, acc=acc, requantizer=by, out=np.zeros(shape, dtype))


def _drains(draw: Draw) -> Iterator[tuple[str, Any]]:
    shape = (1, 2 * SIZE, 2 * SIZE, 1, 2 * CHANNELS)
    yield "requantize", _drain(draw, shape, np.int8)
    yield "requantize_wide", _drain(draw, shape, np.int16)
    drawn = float_cases.float_drain(draw)
    channels = np.full(shape[4], 0.5, np.float32)
    by = replace(drawn.parameters, scale=channels, bias=channels)
    acc = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    yield (
        "drain_float",
        replace(drawn, acc=acc, parameters=by, out=np.zeros(shape, drawn.out.dtype)),
    )


def _vector_cases(draw: Draw) -> Iterator[VectorCase]:
    """The first case of each kernel of the vector unit, enlarged where it works by elements."""
    drawn: Iterable[VectorCase] = (
        make(draw, (name,)) for make, names in selfcheck.VECTOR_CASES for name in names
    )
    seen = set()
    for cases in (drawn, operator_cases(draw)):
        for case in cases:
            if case.name not in seen:
                seen.add(case.name)
                yield _enlarged(case)


def _enlarged(case: VectorCase) -> VectorCase:
    """The case on arrays of about ELEMENTS values, as many in a row as its parameters are for."""
    if case.name in vector_cases.POOLS:
        return _pooled(case)
    row = case.before[0].shape[-1]
    if case.name in (*vector_cases.MEANS, *vector_cases.SOFTMAXES):
        shape: tuple[int, ...] = (ELEMENTS // row, row)
    else:
        shape = (ELEMENTS,)
    before = tuple(
        np.resize(np.ascontiguousarray(given), shape) if isinstance(given, np.ndarray) else given
        for given in case.before
    )
    out_shape = shape[:1] if case.name in vector_cases.MEANS else shape
    return replace(case, before=before, out=np.zeros(out_shape, case.out.dtype))


def _pooled(case: VectorCase) -> VectorCase:
    """Windows of 3x3 with stride 1 and padding."""
    size, channels = 2 * SIZE, 2 * CHANNELS
    shape = (1, size, size, channels)
    x = np.random.default_rng(0).integers(0, 100, shape).astype(case.out.dtype)
    tile = Tile(0, 1, 0, 1, 0, channels, 0, 1, 0, size, 0, size)
    geometry = (3, 3, 1, 1, 1, 1, 1, 1)
    after = list(case.after[2:])
    if isinstance(after[0], np.ndarray):
        after[0] = np.maximum(taps_inside(x.shape, tile, geometry), 1)
    return replace(
        case, before=(x,), out=np.zeros(shape, case.out.dtype), after=(tile, geometry, *after)
    )

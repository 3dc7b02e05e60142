"""Reductions of float32 in the order in which ONNX Runtime adds and multiplies (1.31.1, x86).

Axes of extent 1 drop out and neighbours that are reduced, or kept, together count as one: rows are
then kept (K) or reduced (R). Sums and means of
- KR, R: run over four lanes, twice unrolled (Eigen's reduction for SSE), from the first element of
  a row that lies on 16 bytes; what comes before and after is added one by one;
- KRK: add four rows one by one, then the four to the total, and so on (a matrix product with ones);
- RKR: add the sums of the last axis, one by one;
- RK and all others: add one by one in memory order.
A global average pooling adds each channel in four lanes, then what is left one by one, wherever
the channel lies (MLAS; where it runs in blocks of channels, it adds one by one).
The other reductions run over lanes for R, else one by one. With more threads than the first extent
of KRK or the middle one of RKR has, ONNX Runtime adds one by one there; this is for up to two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from npusim.numerics.reductions import RealReduction

Array = np.ndarray

LANES = 4
"""float32 values in a 16-byte vector."""
PARALLEL = 2
"""Extent from which on ONNX Runtime (with one or two threads) takes its fast ways."""
GROUP = 4
"""Rows that ONNX Runtime's product of a vector and a matrix takes together."""


class _Function(NamedTuple):
    """What happens to each element, how two join, and what makes the result of n of them."""

    before: Callable[[Array], Array]
    join: Callable[[Array, Array], Array]
    after: Callable[[Array, int], Array]


def reduce_float32(x: Array, out: Array, p: RealReduction) -> None:
    """x float32, whole; out float32, the kept axes of x in their order."""
    function = _FUNCTIONS[p.kind]
    kept = [axis for axis in range(x.ndim) if axis not in p.axes]
    with np.errstate(all="ignore"):
        values = function.before(x)
        rows = np.transpose(values, [*kept, *p.axes]).reshape(*out.shape, -1)
        total = _ordered(values, rows, p, function.join)
        out[...] = function.after(total, rows.shape[-1])


def _ordered(
    x: Array, rows: Array, p: RealReduction, join: Callable[[Array, Array], Array]
) -> Array:
    """The elements of each of `rows` [..., n] joined in the order that the shape of x asks for."""
    if p.kind == "global_average_pool":
        return _in_fours(rows, join)
    pattern, extents = _pattern(x.shape, p.axes)
    if pattern == "R" or (pattern == "KR" and p.kind in ("sum", "mean")):
        return _in_lanes(rows, join)
    if p.kind in ("sum", "mean") and pattern == "KRK" and extents[0] >= PARALLEL:
        return _in_groups(rows)
    if p.kind in ("sum", "mean") and pattern == "RKR" and extents[1] >= PARALLEL:
        return _row_sums(x, rows, p, join)
    return _one_by_one(rows[..., 0].copy(), rows[..., 1:], join)


def _pattern(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[str, list[int]]:
    """Kept and reduced axes as letters, neighbours of one letter joined, with their extents."""
    letters, extents = "", []
    for axis, extent in enumerate(shape):
        letter = "R" if axis in axes else "K"
        if not letters.endswith(letter):
            letters += letter
            extents.append(1)
        extents[-1] *= extent
    return letters, extents


def _in_fours(rows: Array, join: Callable[[Array, Array], Array]) -> Array:
    """Each row [..., n] in four lanes from its beginning, whatever bytes it lies on."""
    end = rows.shape[-1] // LANES * LANES
    if not end:
        return _one_by_one(rows[..., 0].copy(), rows[..., 1:], join)
    lanes = np.moveaxis(rows[..., :end].reshape(*rows.shape[:-1], -1, LANES), -2, -1)
    four = _one_by_one(lanes[..., 0].copy(), lanes[..., 1:], join)
    total = join(join(four[..., 0], four[..., 2]), join(four[..., 1], four[..., 3]))
    return _one_by_one(total, rows[..., end:], join)


def _in_groups(rows: Array) -> Array:
    total = None
    for first in range(0, rows.shape[-1], GROUP):
        part = _one_by_one(rows[..., first].copy(), rows[..., first + 1 : first + GROUP], np.add)
        total = part if total is None else total + part
    assert total is not None
    return total


def _row_sums(
    x: Array, rows: Array, p: RealReduction, join: Callable[[Array, Array], Array]
) -> Array:
    """RKR: the last reduced axes in lanes, then their sums one by one."""
    last = x.ndim
    while last - 1 in p.axes:
        last -= 1
    inner = _in_lanes(x.reshape(*x.shape[:last], -1), join)
    outer = [axis for axis in p.axes if axis < last]
    kept = [axis for axis in range(last) if axis not in p.axes]
    sums = np.transpose(inner, [*kept, *outer]).reshape(*rows.shape[:-1], -1)
    return _one_by_one(sums[..., 0].copy(), sums[..., 1:], join)


def _in_lanes(rows: Array, join: Callable[[Array, Array], Array]) -> Array:
    """Each row [..., n] of an array in memory order; the first one lies on 16 bytes."""
    taps = rows.shape[-1]
    flat = rows.reshape(-1, taps)
    total = np.empty(len(flat), np.float32)
    first = np.arange(len(flat)) * taps % LANES
    for phase in range(LANES):
        chosen = first == phase
        if chosen.any():
            total[chosen] = joined_in_lanes(flat[chosen], min((LANES - phase) % LANES, taps), join)
    return total.reshape(rows.shape[:-1])


def joined_in_lanes(rows: Array, start: int, join: Callable[[Array, Array], Array]) -> Array:
    """Rows float32 [n, taps] whose first aligned element is `start`."""
    taps = rows.shape[1]
    end = start + (taps - start) // LANES * LANES
    if end == start:
        return _one_by_one(rows[:, 0].copy(), rows[:, 1:], join)
    vectors = rows[:, start:end].reshape(len(rows), -1, LANES)
    even = vectors[:, 0].copy()
    if vectors.shape[1] > 1:
        odd = vectors[:, 1].copy()
        for index in range(1, vectors.shape[1] // 2):
            even = join(even, vectors[:, 2 * index])
            odd = join(odd, vectors[:, 2 * index + 1])
        even = join(even, odd)
        if vectors.shape[1] % 2:
            even = join(even, vectors[:, -1])
    total = join(join(even[:, 0], even[:, 2]), join(even[:, 1], even[:, 3]))
    total = _one_by_one(total, rows[:, :start], join)
    return _one_by_one(total, rows[:, end:], join)


def _one_by_one(total: Array, values: Array, join: Callable[[Array, Array], Array]) -> Array:
    for index in range(values.shape[-1]):
        total = join(total, values[..., index])
    return total


def _itself(x: Array) -> Array:
    return x


def _total(x: Array, count: int) -> Array:
    return x


def _mean(x: Array, count: int) -> Array:
    return np.asarray(x / np.float32(count))


def _root(x: Array, count: int) -> Array:
    return np.asarray(np.sqrt(x))


_FUNCTIONS = {
    "sum": _Function(_itself, np.add, _total),
    "mean": _Function(_itself, np.add, _mean),
    "global_average_pool": _Function(_itself, np.add, _mean),
    "reduce_max": _Function(_itself, np.maximum, _total),
    "reduce_min": _Function(_itself, np.minimum, _total),
    "reduce_prod": _Function(_itself, np.multiply, _total),
    "reduce_l1": _Function(np.abs, np.add, _total),
    "reduce_l2": _Function(np.square, np.add, _root),
    "reduce_sum_square": _Function(np.square, np.add, _total),
}

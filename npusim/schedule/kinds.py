"""Which steps of a network are alike, so that one search of tiles serves them all."""

from __future__ import annotations

import numpy as np

from npusim.jit import allocating, compiled
from npusim.schedule.lower import Lowered
from npusim.schedule.tables import OPERAND, STEP


def kinds_of(lowered: Lowered, tag_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kind of each step, and the first step of each kind."""
    steps, own = lowered.table.copy(), lowered.operands.copy()
    bounds = np.stack((steps["operand_start"], steps["operand_stop"]), axis=1)
    steps["operand_start"] = steps["operand_stop"] = 0
    own["tensor"] = own["stream"] = 0
    steps["pad_top"][_inside(steps, own, bounds)] = 0  # such stripes are alike, wherever they begin
    columns = steps.view(np.int64).reshape(steps.size, STEP.itemsize // 8)
    rows = own.view(np.int64).reshape(own.size, OPERAND.itemsize // 8)
    kind_of, models = _alike(columns, rows, bounds, tag_of)
    return kind_of, models


def _inside(steps: np.ndarray, operands: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Of which steps no window reaches beyond the first or the last row of its input."""
    step_of = np.repeat(np.arange(steps.size), bounds[:, 1] - bounds[:, 0])
    windows = np.bincount(step_of, operands["window"], steps.size)
    below = (steps["oy"] - 1) * steps["stride_y"] + (steps["fy"] - 1) * steps["dilation_y"]
    rows_behind_last = below + 1 - steps["pad_top"]
    within = (steps["pad_top"] <= 0) & (rows_behind_last <= steps["in_h"])
    return np.asarray(within | (windows == 0))


@allocating
def _alike(
    columns: np.ndarray, rows: np.ndarray, bounds: np.ndarray, tag_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Number the steps with equal tags, `columns` [steps, .] and `rows` [operands, .] of their own.

    `bounds` int64 [steps, 2] are the first row of each and the one behind its last. Steps with a
    negative tag have kind -1.
    """
    kind_of = np.full(tag_of.size, -1)
    models = np.zeros(tag_of.size, np.int64)
    count = 0
    for at in range(tag_of.size):
        for kind in range(count if tag_of[at] >= 0 else 0):
            if _equal(columns, rows, bounds, tag_of, at, models[kind]):
                kind_of[at] = kind
                break
        if kind_of[at] < 0 and tag_of[at] >= 0:
            models[count] = at
            kind_of[at] = count
            count += 1
    return kind_of, models[:count].copy()


@compiled
def _equal(
    columns: np.ndarray, rows: np.ndarray, bounds: np.ndarray, tag_of: np.ndarray, a: int, b: int
) -> bool:
    size = bounds[a, 1] - bounds[a, 0]
    if tag_of[a] != tag_of[b] or bounds[b, 1] - bounds[b, 0] != size:
        return False
    for n in range(columns.shape[1]):
        if columns[a, n] != columns[b, n]:
            return False
    for row in range(size):
        for n in range(rows.shape[1]):
            if rows[bounds[a, 0] + row, n] != rows[bounds[b, 0] + row, n]:
                return False
    return True

"""Memory that does not grow with the jobs: what the log no longer needs is summed up.

Attribution begins with a job that sets some moment of the clock and follows `before` (or, out of a
set-up, `ready_before`) back to the start. All jobs but those that set moments can only be reached
through others, and how much of them is charged is known: up to the begin of the job that they
released. So the chains form a tree. Its stretches between two forks become rows: one per step with
its cycles by cause. A stretch has at most one row a step, and there are fewer forks than moments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import allocating, compiled
from npusim.timing.attribution import charge, row_of
from npusim.timing.records import NOBODY, SETTLED, doubled


class Tree(NamedTuple):
    """The chains behind `used` entries of a log and the settled rows, as nodes, oldest first.

    Node n < rows is a settled row; rows + 2 e is the chain behind the begin of entry e, and
    rows + 2 e + 1 the one behind its set-up. `uses` counts who leads to a node.
    """

    log: np.ndarray
    settled: np.ndarray
    uses: np.ndarray


@allocating
def settle(
    log: np.ndarray, used: int, settled: np.ndarray, who: np.ndarray, steps: int
) -> tuple[int, np.ndarray]:
    """Keep the entries of `log` that set a moment (`who`), first in it and renumbered.

    Returns how many they are, and the settled rows that stand for all others.
    """
    uses = np.zeros(settled.size + 2 * used, np.int64)
    tree = Tree(log, settled, uses)
    for number in who:
        if number >= 0:
            uses[settled.size + 2 * number] = 2
            uses[settled.size + 2 * number + 1] = 2
    for node in range(uses.size - 1, -1, -1):
        if uses[node] > 0:
            next_node = _next(tree, node)
            if next_node >= 0:
                uses[next_node] += 1
    rows, heads = _stretches(tree, steps)
    kept = 0
    numbers = np.full(used, NOBODY, np.int64)
    for number in who:
        if number >= 0:
            numbers[number] = 0
    for number in range(used):
        if numbers[number] == NOBODY:
            continue
        log[kept] = log[number]
        log[kept]["before"] = heads[settled.size + 2 * number]
        log[kept]["ready_before"] = heads[settled.size + 2 * number + 1]
        numbers[number] = kept
        kept += 1
    for moment in range(who.size):
        if who[moment] >= 0:
            who[moment] = numbers[who[moment]]
    return kept, rows


@compiled
def _next(tree: Tree, node: int) -> int:
    """The node that a chain comes to after `node`; -1 at the start."""
    rows = tree.settled.size
    if node < rows:
        reference = tree.settled[node]["next"]
        return row_of(reference) if reference != NOBODY else -1
    until, reference = _released(tree, node)
    if reference == NOBODY:
        return -1
    if reference < NOBODY:
        return row_of(reference)
    return int(rows + 2 * reference + (until < tree.log[reference]["begin"]))


@compiled
def _released(tree: Tree, node: int) -> tuple[int, int]:
    """When the entry of `node` began (or its set-up did), and the job that let it."""
    entry = tree.log[(node - tree.settled.size) // 2]
    if (node - tree.settled.size) % 2:
        return entry["ready"], entry["ready_before"]
    return entry["begin"], entry["before"]


@allocating
def _stretches(tree: Tree, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of all stretches, and the reference to the first row of each fork's chain."""
    heads = np.full(tree.uses.size, NOBODY, np.int64)
    rows = np.zeros(64, SETTLED)
    row_of_step = np.full(steps, -1, np.int64)
    count = 0
    for fork in range(tree.uses.size):
        if tree.uses[fork] < 2:
            continue
        first, node = count, fork
        while True:
            if count + 1 >= rows.size:
                rows = doubled(rows)
            count = _add(tree, node, rows, first, count, row_of_step)
            node = _next(tree, node)
            if node < 0 or tree.uses[node] >= 2:
                break
        rest = heads[node] if node >= 0 else NOBODY
        for row in range(first, count):
            rows[row]["next"] = row_of(row + 1) if row + 1 < count else rest
        heads[fork] = row_of(first) if count > first else rest
    return rows[:count].copy(), heads


@compiled
def _add(
    tree: Tree, node: int, rows: np.ndarray, first: int, count: int, row_of_step: np.ndarray
) -> int:
    """Add what `node` is charged to its step's row in the stretch from row `first` on."""
    if node < tree.settled.size:
        step = tree.settled[node]["step"]
    else:
        until, reference = _released(tree, node)
        if reference < 0:
            return count
        step = tree.log[reference]["step"]
    row = row_of_step[step]
    if row < first or row >= count or rows[row]["step"] != step:
        row = count
        row_of_step[step] = row
        rows[row]["step"] = step
        count += 1
    if node < tree.settled.size:
        rows[row]["shares"] += tree.settled[node]["shares"]
    else:
        charge(tree.log[reference], until, rows[row]["shares"])
    return count

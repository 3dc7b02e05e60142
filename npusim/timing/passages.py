"""Steps that repeat earlier ones: the engine passes over them at once.

Networks are made of blocks of layers that are alike. Where the engine comes to the head of a step
in the same state as it came to the head of an earlier one, but for a fixed time, and what follows
is alike, so is all that happens: every moment, every count. The rule is that of `repeats.py`, for
runs of steps instead of turns of a loop; no result differs.

What is looked at, at the head of a step, is what later jobs can wait for: resources, free
accumulators, loads that came early, the ends of the last steps, and when the tensors arrived that
the steps read. A moment that did not move, or a port that moved by less, must lie before every
start since then. Steps are alike if their rows are, but for the tensors; the last one is followed
where loads of the next one come early and that is another one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import DIRECT_CONVOLUTION
from npusim.jit import allocating, compiled, inlined
from npusim.schedule.tables import (
    FREE_SUMS,
    FULL_INPUTS,
    FULL_WEIGHTS,
    OPERAND,
    OUTPUTS,
    SLOTS,
    STEP,
    TOKENS,
    WEIGHTS,
)
from npusim.schedule.walker import (
    CURSOR,
    CURSOR_SIZE,
    CURSOR_STEP,
    ISSUED,
    LOADING,
    RELEASED,
    STATE_SIZE,
    STEP_AT,
)
from npusim.timing.clock import (
    Clock,
    arrival_of,
    end_of,
    open_of,
    work_of,
)
from npusim.timing.records import COUNTS
from npusim.timing.watch import (
    NEVER,
    PASSED,
    RESOURCES,
    Watch,
    forget_step,
    resources_repeat,
)

PLACES = 32
"""Heads that are remembered: a block has fewer steps."""
_FACTOR = 0x9E3779B1
_NOBODY, _SEVERAL = -1, -2
_STEP_WORDS, _OPERAND_WORDS = STEP.itemsize // 8, OPERAND.itemsize // 8
_START, _STOP = (STEP.names or ()).index("operand_start"), (STEP.names or ()).index("operand_stop")
_TENSOR = (OPERAND.names or ()).index("tensor")
"""Words in which alike steps, and their operands, differ."""


class Heads(NamedTuple):
    """How things were at the heads of the last steps, each at its number modulo PLACES.

    `numbers` int64 [PLACES] are the steps (-1: none), `earliest` [PLACES] the earliest start of a
    job since; `moments` int64 [PLACES, resources], `states` int64 [PLACES, STATE_SIZE] and `counts`
    COUNTS [PLACES] are what it was then. `makers` int64 [tensors] are the steps that write them.
    `steps` and `operands` are the tables as int64 [., words]. Steps that are alike have equal
    `signatures`, int64 [steps]. The first `sums` of the tokens of accumulators are in use.
    """

    numbers: np.ndarray
    earliest: np.ndarray
    moments: np.ndarray
    states: np.ndarray
    counts: np.ndarray
    makers: np.ndarray
    steps: np.ndarray
    operands: np.ndarray
    signatures: np.ndarray
    sums: int


@allocating
def new_heads(steps: np.ndarray, operands: np.ndarray, tensors: int) -> Heads:
    """No head is known."""
    makers = np.full(tensors, _NOBODY)
    for at in range(steps.size):
        for row in range(steps[at]["operand_start"], steps[at]["operand_stop"]):
            if operands[row]["role"] == OUTPUTS:
                tensor = operands[row]["tensor"]
                makers[tensor] = at if makers[tensor] == _NOBODY else _SEVERAL
    rows = steps.view(np.int64).reshape((steps.size, _STEP_WORDS))
    own = operands.view(np.int64).reshape((operands.size, _OPERAND_WORDS))
    signatures = np.zeros(steps.size, np.int64)
    _sign(rows, own, signatures)
    sums = 1
    for at in range(steps.size):
        sums = max(sums, steps[at]["buffers_sums"])
    return Heads(
        np.full(PLACES, -1), np.full(PLACES, NEVER), np.empty((PLACES, RESOURCES), np.int64),
        np.empty((PLACES, STATE_SIZE), np.int64), np.zeros(PLACES, COUNTS), makers,
        rows, own, signatures, min(SLOTS, sums),
    )  # fmt: skip


@compiled
def _sign(rows: np.ndarray, own: np.ndarray, signatures: np.ndarray) -> None:
    """Fill `signatures`: sums of words, each with a factor of its own."""
    for at in range(rows.shape[0]):
        total = -_FACTOR * (_START + 1) * rows[at, _START]
        total -= _FACTOR * (_STOP + 1) * rows[at, _STOP]
        for word in range(rows.shape[1]):
            total += _FACTOR * (word + 1) * rows[at, word]
        for row in range(rows[at, _START], rows[at, _STOP]):
            for word in range(_TENSOR + 1, own.shape[1]):
                total += _FACTOR * (word + row - rows[at, _START]) * own[row, word]
        signatures[at] = total


@compiled
def pass_over(
    heads: Heads, watch: Watch, steps: np.ndarray, operands: np.ndarray, clock: Clock,
    state: np.ndarray, counts: np.ndarray,
) -> None:  # fmt: skip
    """At the head of a step: pass over all that would repeat, and remember how things are."""
    since = watch.step[PASSED]
    watch.step[PASSED] = NEVER
    for place in range(PLACES):
        heads.earliest[place] = min(heads.earliest[place], since)
    passed = True
    while passed and state[STEP_AT] < steps.size:
        at = state[STEP_AT]
        _remember(heads, clock, state, counts, at)
        passed = False
        for back in range(1, min(at, PLACES)):
            known = heads.numbers[(at - back) % PLACES] == at - back
            if known and heads.signatures[at - back] == heads.signatures[at]:
                passed = _passed(heads, watch, steps, operands, clock, state, counts, back)
                if passed:
                    break


@inlined
def _remember(heads: Heads, clock: Clock, state: np.ndarray, counts: np.ndarray, at: int) -> None:
    place = at % PLACES
    heads.numbers[place], heads.earliest[place] = at, NEVER
    moments, states = heads.moments[place], heads.states[place]
    for n in range(TOKENS, RESOURCES):
        moments[n] = clock.time[n]
    for n in range(FREE_SUMS, FREE_SUMS + heads.sums):
        moments[n] = clock.time[n]
    states[LOADING] = state[LOADING]
    for n in range(CURSOR, STATE_SIZE):
        states[n] = state[n]
    for stream in range(2):
        cursor = CURSOR + stream * CURSOR_SIZE
        full = FULL_WEIGHTS if stream == WEIGHTS else FULL_INPUTS
        for number in range(state[cursor + RELEASED], state[cursor + ISSUED]):
            moments[full + number % SLOTS] = clock.time[full + number % SLOTS]
    heads.counts[place] = counts[at]


@compiled
def _same_step(heads: Heads, steps: np.ndarray, a: int, b: int) -> bool:
    """True if two steps are the same but for their tensors."""
    rows, own = heads.steps, heads.operands
    for word in range(rows.shape[1]):
        if rows[a, word] != rows[b, word] and word not in (_START, _STOP):
            return False
    count = rows[a, _STOP] - rows[a, _START]
    if rows[b, _STOP] - rows[b, _START] != count or steps[a]["dataflow"] == DIRECT_CONVOLUTION:
        return False
    for row in range(count):
        one, other = rows[a, _START] + row, rows[b, _START] + row
        for word in range(own.shape[1]):
            if own[one, word] != own[other, word] and word != _TENSOR:
                return False
    return True


@compiled
def _passed(
    heads: Heads, watch: Watch, steps: np.ndarray, operands: np.ndarray, clock: Clock,
    state: np.ndarray, counts: np.ndarray, back: int,
) -> bool:  # fmt: skip
    """Pass over the steps that repeat those from `back` steps ago on; False if none does."""
    at = state[STEP_AT]
    cycles = _cycles_since(heads, clock, state, back)
    if cycles <= 0:
        return False
    run = 0
    while (
        run < back
        and at + run < steps.size
        and _repeats(heads, steps, operands, clock, at, run, back, cycles)
    ):
        run += 1
    while run > 0 and not _may_stop(heads, steps, operands, clock, at, run, back, cycles):
        run -= 1
    if run == 0:
        return False
    _pass(heads, steps, operands, clock, state, counts, run, back, cycles)
    forget_step(watch)
    return True


@compiled
def _repeats(
    heads: Heads, steps: np.ndarray, operands: np.ndarray, clock: Clock, at: int, run: int,
    back: int, cycles: int,
) -> bool:  # fmt: skip
    """True if step `at` + `run` is like the one `back` before it, and so is what it reads."""
    step, earlier = steps[at + run], steps[at + run - back]
    if not _same_step(heads, steps, at + run - back, at + run):
        return False
    earliest = heads.earliest[(at - back) % PLACES]
    for row in range(step["operand_stop"] - step["operand_start"]):
        new = operands[step["operand_start"] + row]
        old = operands[earlier["operand_start"] + row]
        if new["constant"]:
            continue
        maker = heads.makers[new["tensor"]]
        if maker == _SEVERAL or heads.makers[old["tensor"]] == _SEVERAL:
            return False
        if maker >= at:
            if heads.makers[old["tensor"]] != maker - back:
                return False
        else:
            then, now = clock.time[arrival_of(clock, old)], clock.time[arrival_of(clock, new)]
            if now - then != cycles and max(now, then) >= earliest:
                return False
    return True


@compiled
def _may_stop(
    heads: Heads, steps: np.ndarray, operands: np.ndarray, clock: Clock, at: int, run: int,
    back: int, cycles: int,
) -> bool:  # fmt: skip
    """True if the state before step `at` + `run` is known: no load, or the same, came early."""
    known = at + run - back
    if heads.numbers[known % PLACES] != known:
        return False
    if not _comes_early(steps[known]) and (
        at + run == steps.size or not _comes_early(steps[at + run])
    ):
        return True
    if at + run == steps.size:
        return False
    return _repeats(heads, steps, operands, clock, at, run, back, cycles)


@inlined
def _comes_early(step: np.void) -> bool:
    return bool(step["prefetch"] == 1 or step["prefetch_inputs"] == 1)


@compiled
def _cycles_since(heads: Heads, clock: Clock, state: np.ndarray, back: int) -> int:
    """Cycles since the head of the step `back` steps ago, if all that counts moved by them; else 0.

    Moments that lie before every start since then may have moved less.
    """
    at, place = state[STEP_AT], (state[STEP_AT] - back) % PLACES
    moments, before, earliest = heads.moments[place], heads.states[place], heads.earliest[place]
    cycles = clock.time[work_of(at - 1)] - clock.time[work_of(at - back - 1)]
    if clock.time[end_of(at - 1)] - clock.time[end_of(at - back - 1)] != cycles:
        return 0
    then, now = clock.time[end_of(at - back - 2)], clock.time[end_of(at - 2)]
    if now - then != cycles and now >= earliest:
        return 0
    for n in range(FREE_SUMS, FREE_SUMS + heads.sums):
        moved = clock.time[n] - moments[n]
        if moved != cycles and (moved != 0 or clock.time[n] >= earliest):
            return 0
    if not resources_repeat(clock, moments, cycles, earliest):
        return 0
    if state[LOADING] != before[LOADING]:
        return 0
    for stream in range(2):
        if not _loads_repeat(clock, state, before, moments, stream, back, cycles):
            return 0
    return int(cycles)


@compiled
def _loads_repeat(
    clock: Clock, state: np.ndarray, before: np.ndarray, moments: np.ndarray, stream: int,
    back: int, cycles: int,
) -> bool:  # fmt: skip
    """True if the loads of a stream are as far as they were, and those that came early repeat."""
    cursor = CURSOR + stream * CURSOR_SIZE
    for n in range(cursor, cursor + CURSOR_SIZE):
        moved = state[n] - before[n]
        if n in (cursor + ISSUED, cursor + RELEASED):
            continue
        if moved != (back if n == cursor + CURSOR_STEP else 0):
            return False
    held = state[cursor + ISSUED] - state[cursor + RELEASED]
    if held != before[cursor + ISSUED] - before[cursor + RELEASED]:
        return False
    full = FULL_WEIGHTS if stream == WEIGHTS else FULL_INPUTS
    for number in range(held):
        then = moments[full + (before[cursor + RELEASED] + number) % SLOTS]
        if clock.time[full + (state[cursor + RELEASED] + number) % SLOTS] - then != cycles:
            return False
    return True


@compiled
def _pass(
    heads: Heads, steps: np.ndarray, operands: np.ndarray, clock: Clock, state: np.ndarray,
    counts: np.ndarray, run: int, back: int, cycles: int,
) -> None:  # fmt: skip
    """Put clock, walker and counts `run` steps on, as far as they came `back` steps ago."""
    at = state[STEP_AT]
    first, last = (at - back) % PLACES, (at - back + run) % PLACES
    moments, reached = heads.moments[first], heads.moments[last]
    for at_new in range(at, at + run):
        old = at_new - back
        clock.time[end_of(at_new)] = clock.time[end_of(old)] + cycles
        clock.time[work_of(at_new)] = clock.time[work_of(old)] + cycles
        clock.time[open_of(at_new)] = clock.time[open_of(old)] + cycles
        counts[at_new] = counts[old]
        _bring_outputs(steps, operands, clock, old, at_new, cycles)
    if at + run < steps.size:
        counts[at + run] = heads.counts[last]
    for n in range(FREE_SUMS, FREE_SUMS + heads.sums):
        clock.time[n] += reached[n] - moments[n]
    for n in range(TOKENS, RESOURCES):
        clock.time[n] += reached[n] - moments[n]
    for stream in range(2):
        _move_loads(heads, clock, state, stream, first, last, run, cycles)
    state[LOADING] = heads.states[last, LOADING]
    state[STEP_AT] = at + run
    for number in range(at - back + 1, at + 1):
        place = number % PLACES
        heads.earliest[place] = min(heads.earliest[place], heads.earliest[first] + cycles)


@compiled
def _bring_outputs(
    steps: np.ndarray, operands: np.ndarray, clock: Clock, old: int, new: int, cycles: int
) -> None:
    """The outputs of step `new` arrive as those of step `old` did."""
    for row in range(steps[old]["operand_stop"] - steps[old]["operand_start"]):
        operand = operands[steps[old]["operand_start"] + row]
        arrived = clock.time[arrival_of(clock, operand)]
        if operand["role"] == OUTPUTS and arrived > 0:
            made = operands[steps[new]["operand_start"] + row]
            clock.time[arrival_of(clock, made)] = arrived + cycles


@compiled
def _move_loads(
    heads: Heads, clock: Clock, state: np.ndarray, stream: int, first: int, last: int, run: int,
    cycles: int,
) -> None:  # fmt: skip
    """Put the loads of a stream `run` steps on."""
    cursor = CURSOR + stream * CURSOR_SIZE
    before, reached = heads.states[first], heads.states[last]
    full = FULL_WEIGHTS if stream == WEIGHTS else FULL_INPUTS
    issued = state[cursor + ISSUED] + reached[cursor + ISSUED] - before[cursor + ISSUED]
    released = state[cursor + RELEASED] + reached[cursor + RELEASED] - before[cursor + RELEASED]
    moved = reached[cursor + CURSOR_STEP] - before[cursor + CURSOR_STEP]
    step = state[cursor + CURSOR_STEP] + moved
    for n in range(cursor, cursor + CURSOR_SIZE):
        state[n] = reached[n]
    state[cursor + ISSUED], state[cursor + RELEASED] = issued, released
    state[cursor + CURSOR_STEP] = step
    for number in range(issued - released):
        token = heads.moments[last, full + (reached[cursor + RELEASED] + number) % SLOTS]
        clock.time[full + (released + number) % SLOTS] = token + cycles

"""Turns of a tile loop that repeat: the engine goes through a few of them and adds the others.

Most turns of a loop emit the same jobs as the turn before, a fixed time later; some do so every few
turns. Once a turn ends in the same state as an earlier one but for that time, so do all that follow
and emit these jobs: what a job waits for is a maximum of moments, so if all moments move by the
same time, its start moves with them. The rest of such turns is then added at once, to every moment
and to every count. No result differs. Which earlier turn it is, Brent's method finds: the turn that
is compared with becomes a later one after 1, 2, 4, ... turns (R. P. Brent, "An improved Monte Carlo
factorization algorithm", 1980).

What is looked at, at the end of a turn, is what later jobs of the step can wait for: its resources,
its live buffer tokens and what the step itself waits for. Such a moment may also

- stay where it was, if it lies before the start of every job of the turn: it decided nothing, and
  is left further behind from turn to turn; or
- move by less (an SRAM port that has time to spare), if it lies before every start likewise.

Turns at the edges of a tensor differ (`watch.py`); loads run ahead, so the last turns are left to
them. Streams that share a port in turn (`streams.py`) and stripes, which look at the input tile
before, are not looked at. Without a log only: attribution needs each job.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled, inlined
from npusim.schedule.tables import (
    ARRAY,
    FREE_INPUTS,
    FREE_OUTPUTS,
    FREE_SUMS,
    FREE_WEIGHTS,
    FULL_INPUTS,
    FULL_OUTPUTS,
    FULL_WEIGHTS,
    SLOTS,
    WEIGHTS,
)
from npusim.schedule.walker import (
    CURSOR,
    CURSOR_ITERATION,
    CURSOR_SIZE,
    CURSOR_STEP,
    ISSUED,
    ITERATION,
    OUTPUT_TILES,
    PENDING_ITERATION,
    PENDING_STEP,
    RELEASED,
    STATE_SIZE,
    STEP_AT,
    STEP_LOADS,
    STEP_PERIOD,
    STEP_STORES,
)
from npusim.timing.clock import (
    ARRAY_FREE,
    VECTOR_FREE,
    Clock,
    arrival_of,
    end_of,
    open_of,
    work_of,
)
from npusim.timing.turns import add_counts, add_turns
from npusim.timing.watch import (
    APART,
    EARLIEST,
    FIRST,
    LAST,
    LOADED,
    LOOPS,
    MOST_APART,
    NEVER,
    RESOURCES,
    SEEN,
    SHORTEST,
    SINCE,
    STEP,
    TILES,
    TURNS,
    Watch,
    resources_repeat,
)


@inlined
def look(
    watch: Watch, steps: np.ndarray, operands: np.ndarray, clock: Clock, state: np.ndarray,
    counts: np.ndarray,
) -> None:  # fmt: skip
    """At the end of a turn: add the turns that would repeat it, or note how things are."""
    at, tile = state[STEP_AT], state[ITERATION]
    shortest = watch.step[SHORTEST]
    if at >= steps.size or watch.step[STEP] != at or shortest == 0:
        return
    if tile == 0 or tile % shortest != 0:
        return
    for place in range(LOOPS):
        loop = watch.loops[place]
        if loop[TURNS] == 1:
            continue
        loop[EARLIEST] = min(loop[EARLIEST], watch.step[SINCE])
        if tile % loop[TILES] != 0:
            continue
        turn = tile // loop[TILES] % loop[TURNS]
        if not loop[FIRST] < turn <= loop[LAST]:
            loop[SEEN] = -1
        elif loop[SEEN] < 0:
            loop[APART] = 1
            _note(watch, place, clock, state, counts, at)
        elif _added(watch, place, steps[at], operands, clock, state, counts[at], turn):
            _forget_from(watch, place)
            break
        elif tile - loop[SEEN] == loop[APART] * loop[TILES]:
            loop[APART] = min(2 * loop[APART], MOST_APART)
            _note(watch, place, clock, state, counts, at)
    watch.step[SINCE] = NEVER


@compiled
def _added(
    watch: Watch, place: int, step: np.void, operands: np.ndarray, clock: Clock,
    state: np.ndarray, count: np.void, turn: int,
) -> bool:  # fmt: skip
    """Add the turns that repeat those since the state of a loop was noted; False if none does."""
    loop = watch.loops[place]
    apart = (state[ITERATION] - loop[SEEN]) // loop[TILES]
    many = _turns_left(loop, turn, state) // apart
    if many <= 0:
        return False
    cycles = _period_cycles(watch, place, step, operands, clock, state)
    if cycles == 0:
        return False
    add_turns(watch, place, step, clock, state, many, cycles)
    add_counts(count, watch.counts[place], many)
    return True


@compiled
def _forget_from(watch: Watch, place: int) -> None:
    """Loops from `place` inwards begin anew."""
    for inner in range(place, LOOPS):
        watch.loops[inner, SEEN] = -1


@compiled
def _note(
    watch: Watch, place: int, clock: Clock, state: np.ndarray, counts: np.ndarray, at: int
) -> None:
    """Note the state at the end of a turn."""
    moments, states = watch.moments[place], watch.states[place]
    for n in range(RESOURCES):
        moments[n] = clock.time[n]
    moments[RESOURCES] = clock.time[end_of(at)]
    moments[RESOURCES + 1] = clock.time[work_of(at)]
    for n in range(STATE_SIZE):
        states[n] = state[n]
    watch.counts[place] = counts[at]
    watch.loops[place, SEEN] = state[ITERATION]
    watch.loops[place, EARLIEST] = NEVER


@compiled
def _turns_left(loop: np.ndarray, turn: int, state: np.ndarray) -> int:
    """Turns that may be added before `turn`: loads run ahead, but not past those that are alike."""
    left = loop[LAST] + 1 - turn
    for stream in range(2):
        cursor = CURSOR + stream * CURSOR_SIZE
        here = state[cursor + CURSOR_STEP] == state[STEP_AT]
        if here and 0 < state[STEP_PERIOD + stream] <= loop[TILES]:
            tiles = max(0, state[cursor + CURSOR_ITERATION] - state[ITERATION])
            left = min(left, (loop[LOADED] - turn * loop[TILES] - tiles) // loop[TILES])
    return int(left)


@compiled
def _period_cycles(
    watch: Watch, place: int, step: np.void, operands: np.ndarray, clock: Clock, state: np.ndarray
) -> int:
    """Cycles since the state was noted, if all that later jobs can wait for moved by them; else 0.

    Moments that lie before every start since then may have moved less.
    """
    moments, before, at = watch.moments[place], watch.states[place], state[STEP_AT]
    earliest = watch.loops[place, EARLIEST]
    free = ARRAY_FREE if step["unit"] == ARRAY else VECTOR_FREE
    cycles = clock.time[free] - moments[free]
    if cycles <= 0:
        return 0
    if not resources_repeat(clock, moments, cycles, earliest):
        return 0
    if clock.time[end_of(at)] - moments[RESOURCES] != cycles:
        return 0
    if clock.time[work_of(at)] - moments[RESOURCES + 1] != cycles:
        return 0
    if not _stays_behind(step, operands, clock, at, earliest):
        return 0
    for stream in range(2):
        if not _stream_repeats(watch, place, step, clock, state, stream, cycles):
            return 0
    if not _outputs_repeat(watch, place, step, clock, state, cycles):
        return 0
    if before[PENDING_STEP] != state[PENDING_STEP]:
        return 0
    return int(cycles)


@compiled
def _stays_behind(
    step: np.void, operands: np.ndarray, clock: Clock, at: int, earliest: int
) -> bool:
    """True if what the whole step waits for lies before every start of the turn."""
    latest = max(clock.time[open_of(at)], clock.time[end_of(at - 1)])
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["stream"] >= 0 and operand["stream"] <= 1 and not operand["constant"]:
            latest = max(latest, clock.time[arrival_of(clock, operand)])
    return bool(latest < earliest)


@compiled
def _stream_repeats(
    watch: Watch, place: int, step: np.void, clock: Clock, state: np.ndarray, stream: int,
    cycles: int,
) -> bool:  # fmt: skip
    """True if the loads of a stream, and the tokens of its buffers, repeat or rest."""
    cursor = CURSOR + stream * CURSOR_SIZE
    before, moments = watch.states[place], watch.moments[place]
    loads = state[cursor + ISSUED] - before[cursor + ISSUED]
    full, free = (FULL_WEIGHTS, FREE_WEIGHTS) if stream == WEIGHTS else (FULL_INPUTS, FREE_INPUTS)
    if state[cursor + RELEASED] - before[cursor + RELEASED] != loads:
        return False
    if state[cursor + CURSOR_STEP] != before[cursor + CURSOR_STEP]:
        return False
    if loads == 0:
        if state[STEP_PERIOD + stream] == 0:
            return True
        arrived = clock.time[full + state[cursor + RELEASED] % SLOTS]
        return bool(arrived < watch.loops[place, EARLIEST])
    tiles = state[cursor + CURSOR_ITERATION] - before[cursor + CURSOR_ITERATION]
    if state[cursor + CURSOR_STEP] != state[STEP_AT]:
        return False
    if tiles != state[ITERATION] - before[ITERATION]:
        return False
    buffers = step["buffers_weights"] if stream == WEIGHTS else step["buffers_inputs"]
    first = before[cursor + ISSUED] - before[cursor + STEP_LOADS]
    if before[cursor + STEP_LOADS] < buffers or before[cursor + RELEASED] < first:
        return False
    issued, released = state[cursor + ISSUED], state[cursor + RELEASED]
    return _tokens_move(clock, moments, full, released, issued, loads, SLOTS, cycles) and (
        _tokens_move(clock, moments, free, issued - buffers, released, loads, SLOTS, cycles)
    )


@compiled
def _outputs_repeat(
    watch: Watch, place: int, step: np.void, clock: Clock, state: np.ndarray, cycles: int
) -> bool:
    """True if the tokens of output buffers and of sums repeat; within a reduction they rest."""
    before, moments = watch.states[place], watch.moments[place]
    made, tiles = state[OUTPUT_TILES], state[OUTPUT_TILES] - before[OUTPUT_TILES]
    waits = step["unit"] == ARRAY and not step["direct_store"]
    sums = step["buffers_sums"]
    pending = state[PENDING_STEP] == state[STEP_AT]
    if tiles == 0:
        rests = clock.time[FREE_SUMS + made % sums] < watch.loops[place, EARLIEST]
        return bool(not pending and (rests or not waits))
    if waits and not _tokens_move(
        clock, moments, FREE_SUMS, made, made + sums, tiles, sums, cycles
    ):
        return False
    if pending:
        behind = state[ITERATION] - state[PENDING_ITERATION]
        if behind != before[ITERATION] - before[PENDING_ITERATION]:
            return False
    if state[STEP_STORES] == 0:
        return True
    buffers = step["buffers_outputs"]
    if before[OUTPUT_TILES] < buffers:
        return False
    stored = made - 1 if pending else made
    return _tokens_move(clock, moments, FULL_OUTPUTS, stored, made, tiles, SLOTS, cycles) and (
        _tokens_move(clock, moments, FREE_OUTPUTS, made - buffers, stored, tiles, SLOTS, cycles)
    )


@compiled
def _tokens_move(
    clock: Clock, moments: np.ndarray, base: int, first: int, stop: int, by: int, slots: int,
    cycles: int,
) -> bool:  # fmt: skip
    """True if tokens `first`..`stop` are `cycles` later than those `by` places before them were."""
    for number in range(first, stop):
        earlier = moments[base + (number - by) % slots]
        if clock.time[base + number % slots] - earlier != cycles:
            return False
    return True

"""Adding turns of a tile loop at once: clock, walker and counts go on as if each was gone through.

Every moment moves by as much a turn as it did before; tokens move on with the buffers that they
are of. See `repeats.py` for when that holds.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.schedule.advance import set_tile
from npusim.schedule.tables import (
    FREE_INPUTS,
    FREE_OUTPUTS,
    FREE_SUMS,
    FREE_WEIGHTS,
    FULL_INPUTS,
    FULL_OUTPUTS,
    FULL_WEIGHTS,
    SLOTS,
    TOKENS,
    WEIGHTS,
)
from npusim.schedule.walker import (
    BOUNDS,
    CURSOR,
    CURSOR_BOUNDS,
    CURSOR_ITERATION,
    CURSOR_SIZE,
    ISSUED,
    ITERATION,
    OUTPUT_TILES,
    PENDING_BOUNDS,
    PENDING_ITERATION,
    PENDING_SLOT,
    PENDING_STEP,
    RELEASED,
    STEP_AT,
    STEP_LOADS,
    STEP_STORES,
)
from npusim.timing.clock import (
    BUS_DIRECTION,
    INPUT_TILE,
    Clock,
    end_of,
    work_of,
)
from npusim.timing.watch import (
    RESOURCES,
    Watch,
)


@compiled
def add_turns(
    watch: Watch, place: int, step: np.void, clock: Clock, state: np.ndarray, many: int, cycles: int
) -> None:
    """Put clock and walker `many` times as far as they came since the state was noted."""
    moments, before, at = watch.moments[place], watch.states[place], state[STEP_AT]
    for n in range(TOKENS, RESOURCES):
        if n not in (BUS_DIRECTION, INPUT_TILE):
            clock.time[n] += many * (clock.time[n] - moments[n])
    clock.time[end_of(at)] += many * cycles
    clock.time[work_of(at)] += many * cycles
    tiles = many * (state[ITERATION] - before[ITERATION])
    for stream in range(2):
        cursor = CURSOR + stream * CURSOR_SIZE
        issued, released = state[cursor + ISSUED], state[cursor + RELEASED]
        loads = issued - before[cursor + ISSUED]
        if loads > 0:
            buffers = step["buffers_weights"] if stream == WEIGHTS else step["buffers_inputs"]
            full = FULL_WEIGHTS if stream == WEIGHTS else FULL_INPUTS
            free = FREE_WEIGHTS if stream == WEIGHTS else FREE_INPUTS
            by, later = many * loads, many * cycles
            _move_tokens(watch, clock, full, released, issued, by, SLOTS, later)
            _move_tokens(watch, clock, free, issued - buffers, released, by, SLOTS, later)
            state[cursor + ISSUED] += by
            state[cursor + RELEASED] += by
            state[cursor + STEP_LOADS] += by
            state[cursor + CURSOR_ITERATION] += tiles
            bounds = cursor + CURSOR_BOUNDS
            set_tile(step, state[cursor + CURSOR_ITERATION], state[bounds : bounds + 12])
    _add_outputs(watch, place, step, clock, state, many, cycles)
    state[ITERATION] += tiles
    set_tile(step, state[ITERATION], state[BOUNDS : BOUNDS + 12])


@compiled
def _add_outputs(
    watch: Watch, place: int, step: np.void, clock: Clock, state: np.ndarray, many: int, cycles: int
) -> None:
    """`_add_turns` for the tokens of sums and of output buffers, and the store that is pending."""
    before = watch.states[place]
    made, tiles = state[OUTPUT_TILES], state[OUTPUT_TILES] - before[OUTPUT_TILES]
    if tiles == 0:
        return
    by, later = many * tiles, many * cycles
    sums, buffers = step["buffers_sums"], step["buffers_outputs"]
    _move_tokens(watch, clock, FREE_SUMS, made, made + sums, by, sums, later)
    pending = state[PENDING_STEP] == state[STEP_AT]
    stored = made - 1 if pending else made
    if state[STEP_STORES]:
        _move_tokens(watch, clock, FULL_OUTPUTS, stored, made, by, SLOTS, later)
        _move_tokens(watch, clock, FREE_OUTPUTS, made - buffers, stored, by, SLOTS, later)
    if pending:
        state[PENDING_ITERATION] += many * (state[ITERATION] - before[ITERATION])
        bounds = state[PENDING_BOUNDS : PENDING_BOUNDS + 12]
        set_tile(step, state[PENDING_ITERATION], bounds)
        state[PENDING_SLOT] = (state[PENDING_SLOT] + by) % SLOTS
    state[OUTPUT_TILES] += by


@compiled
def _move_tokens(
    watch: Watch, clock: Clock, base: int, first: int, stop: int, by: int, slots: int, later: int
) -> None:
    """Tokens `first`..`stop` are those `by` places on, `later` cycles later."""
    for number in range(first, stop):
        watch.moved[number - first] = clock.time[base + number % slots]
    for number in range(first, stop):
        clock.time[base + (number + by) % slots] = watch.moved[number - first] + later


@compiled
def add_counts(count: np.void, before: np.void, many: int) -> None:
    """What was counted since then, `many` times more."""
    count["dram_read"] += many * (count["dram_read"] - before["dram_read"])
    count["dram_write"] += many * (count["dram_write"] - before["dram_write"])
    count["sram_read"] += many * (count["sram_read"] - before["sram_read"])
    count["sram_write"] += many * (count["sram_write"] - before["sram_write"])
    count["array_busy"] += many * (count["array_busy"] - before["array_busy"])
    count["macs"] += many * (count["macs"] - before["macs"])
    count["vector_ops"] += many * (count["vector_ops"] - before["vector_ops"])
    count["outputs"] += many * (count["outputs"] - before["outputs"])
    count["tiles"] += many * (count["tiles"] - before["tiles"])
    count["jobs"] += many * (count["jobs"] - before["jobs"])
    count["weights_bytes"] += many * (count["weights_bytes"] - before["weights_bytes"])
    count["inputs_bytes"] += many * (count["inputs_bytes"] - before["inputs_bytes"])
    count["hops"] += many * (count["hops"] - before["hops"])
    count["filled"] += many * (count["filled"] - before["filled"])

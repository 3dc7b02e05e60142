"""The one walker: turns the steps of a Program into job records, in blocks.

Order of emission is order of service: each resource takes its jobs in the order in which they are
emitted. Within a step the walker goes through the tile loops once; loads run ahead of the array as
far as buffers allow, and the store of an output tile follows the next tile's computation (or comes
before it, where a vector unit has one output buffer), so that no queue waits for work that is ready
later:

    load 0, load 1, compute 0, load 2, post 0, compute 1, store 0, load 3, post 1, ...

A load of the next step's weights may start during this step where the scheduler found room for
both (`prefetch`), and one of its inputs where they are no output of this step (`prefetch_inputs`).
Buffers are tokens: a load waits for the token that frees its slot, a compute waits for the tokens
that say its operands have arrived. Where outputs go straight to the second memory, the sums of a
tile become free piece by piece, and timing knows when.

The walker keeps its place in an integer vector, so that a consumer can take the records in blocks
of any size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from npusim.jit import compiled, inlined
from npusim.schedule.advance import copy_bounds, set_next_tile, set_tile
from npusim.schedule.job_bytes import fill_bytes
from npusim.schedule.tables import (
    ALIAS,
    ALIAS_JOB,
    ARRAY,
    COMPUTE,
    DISPATCH,
    FREE_INPUTS,
    FREE_OUTPUTS,
    FREE_SUMS,
    FREE_WEIGHTS,
    FULL_INPUTS,
    FULL_OUTPUTS,
    FULL_WEIGHTS,
    HOST,
    HOST_JOB,
    INPUTS,
    JOB,
    LOAD,
    OUTPUTS,
    POST,
    SLOTS,
    STORE,
    WEIGHTS,
)
from npusim.schedule.tiles import (
    moving_period,
    tile_count,
)

(
    STEP_AT,
    ITERATION,
    ENTERED,
    OUTPUT_TILES,
    PENDING_STEP,
    PENDING_ITERATION,
    PENDING_SLOT,
    STEP_TILES,
    STEP_STORES,
    LOADING,
    COMPUTED,
    STEP_PERIOD,
) = range(12)
"""Places in the state. Tiles, stores and periods are those of the present step, kept for speed.

`LOADING`: loads may have to be emitted before anything else; `COMPUTED`: the present tile's
computation has been emitted, its post has not."""
BOUNDS = STEP_PERIOD + 2
"""Twelve bounds of the present tile."""
PENDING_BOUNDS = BOUNDS + 12
"""Those of the tile whose store is pending."""
(
    CURSOR_STEP,
    CURSOR_ITERATION,
    CURSOR_TILES,
    CURSOR_PERIOD,
    CURSOR_LOOP,
    ISSUED,
    RELEASED,
    STEP_LOADS,
    CURSOR_BOUNDS,
) = range(9)
"""Places in a load cursor: it has CURSOR_TILES = 0 until it has looked at its step. CURSOR_LOOP is
the innermost loop that moves its stream, CURSOR_BOUNDS the first of twelve of its next tile."""
CURSOR = PENDING_BOUNDS + 12
CURSOR_SIZE = CURSOR_BOUNDS + 12
STATE_SIZE = CURSOR + 2 * CURSOR_SIZE
BLOCK_JOBS = 128
_MOST_JOBS_AT_ONCE = 4
"""Jobs that one turn of the walker can emit at most; loads stop in time to leave room for them."""


def new_state() -> np.ndarray:
    """The walker's place before the first job: int64 [STATE_SIZE]."""
    state = np.zeros(STATE_SIZE, np.int64)
    state[PENDING_STEP] = -1
    return state


def walk_blocks(
    steps: np.ndarray, operands: np.ndarray, size: int = BLOCK_JOBS
) -> Iterator[np.ndarray]:
    """The job records of a Program, a block of `size` at most at a time; a block is valid until the
    next one."""
    state = new_state()
    block = np.zeros(size, JOB)
    while (count := walk(steps, operands, state, block, -1)) > 0:
        fill_bytes(steps, operands, block[:count])
        yield block[:count]


@inlined
def walk(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray, stop: int
) -> int:
    """Fill `block` with the next jobs after `state`; returns how many, 0 at the end.

    A `stop` that is not negative makes it return early: at the end of each step, and before tile
    `stop` of the present one. The bytes of loads and stores are left to the caller: see
    `walk_blocks`.
    """
    count = 0
    while count + _MOST_JOBS_AT_ONCE <= block.size:
        at = state[STEP_AT]
        if at == steps.size:
            break
        if state[ENTERED] == 0:
            count = _enter(steps, operands, state, block, count)
            state[ENTERED] = 1
        elif state[LOADING]:
            count = _load_ahead(steps, operands, state, block, count)
        elif state[COMPUTED]:
            count = _post(steps, state, block, count)
            if state[ITERATION] == stop:
                break
        elif state[ITERATION] < state[STEP_TILES]:
            count = _compute(steps, operands, state, block, count)
        else:
            count = _flush_store(steps, state, block, count, True)
            state[STEP_AT] += 1
            state[ITERATION] = 0
            state[ENTERED] = 0
            state[OUTPUT_TILES] = 0
            if stop >= 0:
                break
    return count


@compiled
def _enter(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray, count: int
) -> int:
    """The job at the head of a step: its dispatch; all of a host step."""
    at = state[STEP_AT]
    step = steps[at]
    state[STEP_TILES] = tile_count(step)
    state[STEP_STORES] = _streams(step, operands, OUTPUTS)
    for stream in range(2):
        state[STEP_PERIOD + stream] = _period(step, operands, stream)[0]
    set_tile(step, 0, state[BOUNDS : BOUNDS + 12])
    if step["unit"] == ALIAS or step["unit"] == HOST:
        kind = ALIAS_JOB if step["unit"] == ALIAS else HOST_JOB
        job = _job(block, count, kind, at)
        copy_bounds(state, BOUNDS, job["bounds"])
        job["after_step"] = at - 1
        state[ITERATION] = state[STEP_TILES]
        return count + 1
    _job(block, count, DISPATCH, at)["bounds"][:] = 0
    state[LOADING] = 1
    return count + 1


@inlined
def _load_ahead(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray, count: int
) -> int:
    """All loads that there is room for: inputs first at the head of a step, weights first later.

    Inputs with one buffer come first always: the next tile waits for them, weights come ahead.
    """
    alone = steps[state[STEP_AT]]["single_inputs"] == 1
    first = WEIGHTS if state[COMPUTED] and not alone else INPUTS
    count = _loads(steps, operands, state, block, count, first)
    count = _loads(steps, operands, state, block, count, INPUTS + WEIGHTS - first)
    state[LOADING] = count + _MOST_JOBS_AT_ONCE > block.size
    return count


@inlined
def _compute(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray, count: int
) -> int:
    """Compute one tile, free what it was the last to need, store the tile before."""
    at = state[STEP_AT]
    step = steps[at]
    iteration = state[ITERATION]
    if step["unit"] != ARRAY and step["buffers_outputs"] == 1:
        count = _flush_store(steps, state, block, count, False)
    job = _job(block, count, COMPUTE, at)
    copy_bounds(state, BOUNDS, job["bounds"])
    job["first"] = job["bounds"][6] == 0
    job["last"] = job["bounds"][7] == step["c"]
    last_of_step = iteration + 1 == state[STEP_TILES]
    for stream in range(2):
        period = state[STEP_PERIOD + stream]
        if period == 0:
            continue
        cursor = CURSOR + stream * CURSOR_SIZE
        slot = state[cursor + RELEASED] % SLOTS
        job["waits"][stream] = (FULL_WEIGHTS if stream == WEIGHTS else FULL_INPUTS) + slot
        if last_of_step or period == 1 or (iteration + 1) % period == 0:
            job["signals"][stream] = (FREE_WEIGHTS if stream == WEIGHTS else FREE_INPUTS) + slot
            state[cursor + RELEASED] += 1
    if step["unit"] == ARRAY and not step["direct_store"]:
        job["waits"][2] = FREE_SUMS + state[OUTPUT_TILES] % step["buffers_sums"]
    finished = job["last"] == 1
    count = _flush_store(steps, state, block, count + 1, False)
    if finished and step["unit"] != ARRAY:
        _leave(step, state, job, last_of_step)
    state[COMPUTED] = 1
    state[LOADING] = 1
    return count


@inlined
def _post(steps: np.ndarray, state: np.ndarray, block: np.ndarray, count: int) -> int:
    """Drain the array's present tile, if its sums are complete, and go on to the next tile."""
    at = state[STEP_AT]
    step = steps[at]
    iteration = state[ITERATION]
    if step["unit"] == ARRAY and state[BOUNDS + 7] == step["c"]:
        job = _job(block, count, POST, at)
        copy_bounds(state, BOUNDS, job["bounds"])
        job["signals"][0] = FREE_SUMS + state[OUTPUT_TILES] % step["buffers_sums"]
        _leave(step, state, job, iteration + 1 == state[STEP_TILES])
        count += 1
    state[COMPUTED] = 0
    state[ITERATION] += 1
    set_next_tile(step, 0, state[BOUNDS : BOUNDS + 12])
    return count


@inlined
def _leave(step: np.void, state: np.ndarray, job: np.void, last_of_step: bool) -> None:
    """Make `job` the one that finishes an output tile: its buffer, and the store that follows."""
    tiles = state[OUTPUT_TILES]
    job["last"] = last_of_step
    job["slot"] = tiles % SLOTS
    if state[STEP_STORES]:
        job["signals"][2] = FULL_OUTPUTS + tiles % SLOTS
        if tiles >= step["buffers_outputs"]:
            job["waits"][3] = FREE_OUTPUTS + (tiles - step["buffers_outputs"]) % SLOTS
        state[PENDING_STEP] = state[STEP_AT]
        state[PENDING_ITERATION] = state[ITERATION]
        copy_bounds(state, BOUNDS, state[PENDING_BOUNDS : PENDING_BOUNDS + 12])
        state[PENDING_SLOT] = tiles % SLOTS
    state[OUTPUT_TILES] += 1


@inlined
def _flush_store(
    steps: np.ndarray, state: np.ndarray, block: np.ndarray, count: int, last: bool
) -> int:
    """Store the output tile that waits for it, if one does."""
    at = state[PENDING_STEP]
    if at < 0:
        return count
    job = _job(block, count, STORE, at)
    copy_bounds(state, PENDING_BOUNDS, job["bounds"])
    slot = state[PENDING_SLOT]
    job["stream"] = OUTPUTS
    job["slot"] = slot
    job["waits"][0] = FULL_OUTPUTS + slot
    job["signals"][0] = FREE_OUTPUTS + slot
    job["last"] = last
    state[PENDING_STEP] = -1
    return count + 1


@inlined
def _loads(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray,
    count: int, stream: int,
) -> int:  # fmt: skip
    """Emit the loads of `stream` that its buffers have room for."""
    cursor = CURSOR + stream * CURSOR_SIZE
    while state[cursor + CURSOR_STEP] < steps.size and count + _MOST_JOBS_AT_ONCE <= block.size:
        at = state[cursor + CURSOR_STEP]
        step = steps[at]
        ahead = at - state[STEP_AT]
        if ahead > 1 or (ahead == 1 and not _comes_early(step, stream)):
            break
        if state[cursor + CURSOR_TILES] == 0:
            state[cursor + CURSOR_TILES] = tile_count(step)
            period, loop = _period(step, operands, stream)
            state[cursor + CURSOR_PERIOD], state[cursor + CURSOR_LOOP] = period, loop
            bounds = cursor + CURSOR_BOUNDS
            set_tile(step, 0, state[bounds : bounds + 12])
        done = state[cursor + CURSOR_ITERATION] >= state[cursor + CURSOR_TILES]
        if done or state[cursor + CURSOR_PERIOD] == 0:
            state[cursor + CURSOR_STEP] += 1
            state[cursor + CURSOR_ITERATION] = 0
            state[cursor + CURSOR_TILES] = 0
            state[cursor + STEP_LOADS] = 0
            continue
        buffers = step["buffers_weights"] if stream == WEIGHTS else step["buffers_inputs"]
        before = state[cursor + ISSUED] - state[cursor + STEP_LOADS]
        needed = max(state[cursor + RELEASED], before)
        if state[cursor + ISSUED] - needed >= buffers:
            break
        count = _load(steps, state, block, count, stream, buffers)
    return count


@compiled
def _comes_early(step: np.void, stream: int) -> bool:
    """True if loads of `stream` may start during the step before."""
    if stream == WEIGHTS:
        return bool(step["prefetch"] == 1)
    return bool(step["prefetch_inputs"] == 1)


@inlined
def _load(
    steps: np.ndarray, state: np.ndarray, block: np.ndarray, count: int, stream: int, buffers: int
) -> int:
    """Emit the load at the cursor of `stream` and move the cursor to the next one."""
    cursor = CURSOR + stream * CURSOR_SIZE
    at = state[cursor + CURSOR_STEP]
    step = steps[at]
    full, free = (FULL_WEIGHTS, FREE_WEIGHTS) if stream == WEIGHTS else (FULL_INPUTS, FREE_INPUTS)
    job = _job(block, count, LOAD, at)
    bounds = cursor + CURSOR_BOUNDS
    copy_bounds(state, bounds, job["bounds"])
    set_next_tile(step, state[cursor + CURSOR_LOOP], state[bounds : bounds + 12])
    job["stream"] = stream
    job["slot"] = state[cursor + ISSUED] % SLOTS
    job["signals"][0] = full + job["slot"]
    job["first"] = state[cursor + STEP_LOADS] == 0
    if state[cursor + STEP_LOADS] >= buffers:
        job["waits"][0] = free + (state[cursor + ISSUED] - buffers) % SLOTS
    else:
        job["after_step"] = at - 2 if _comes_early(step, stream) else at - 1
    state[cursor + ISSUED] += 1
    state[cursor + STEP_LOADS] += 1
    state[cursor + CURSOR_ITERATION] += state[cursor + CURSOR_PERIOD]
    return count + 1


@compiled
def _period(step: np.void, operands: np.ndarray, stream: int) -> tuple[int, int]:
    """`moving_period` of a stream; (0, 0) if the step loads nothing through it."""
    if step["unit"] == ALIAS or step["unit"] == HOST or not _streams(step, operands, stream):
        return 0, 0
    return moving_period(step, operands, stream)


@compiled
def _streams(step: np.void, operands: np.ndarray, stream: int) -> bool:
    """True if some operand of `step` moves through `stream`."""
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["stream"] == stream:
            return True
    return False


@inlined
def _job(block: np.ndarray, count: int, kind: int, step: int) -> np.void:
    """A fresh record at `block[count]`."""
    job = block[count]
    job["kind"] = kind
    job["step"] = step
    job["stream"] = -1
    job["slot"] = 0
    job["waits"][:] = -1
    job["signals"][:] = -1
    job["after_step"] = -1
    job["bytes"] = 0
    job["first"] = 0
    job["last"] = 0
    return job

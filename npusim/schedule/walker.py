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

from npusim.jit import compiled
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
    part_of,
    set_bounds,
    stream_bytes,
    tile_count,
    tile_index,
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
CURSOR_STEP, CURSOR_ITERATION, CURSOR_TILES, CURSOR_PERIOD, ISSUED, RELEASED, STEP_LOADS = range(7)
"""Places in a load cursor: it has CURSOR_TILES = 0 until it has looked at its step."""
CURSOR = STEP_PERIOD + 2
CURSOR_SIZE = 7
STATE_SIZE = CURSOR + 2 * CURSOR_SIZE
BLOCK_JOBS = 1024
_MOST_JOBS_AT_ONCE = 4
"""Jobs that one turn of the walker can emit at most; loads stop in time to leave room for them."""


def new_state() -> np.ndarray:
    """The walker's place before the first job: int64 [STATE_SIZE]."""
    state = np.zeros(STATE_SIZE, np.int64)
    state[PENDING_STEP] = -1
    return state


def walk_blocks(steps: np.ndarray, operands: np.ndarray) -> Iterator[np.ndarray]:
    """The job records of a Program, a block at a time; a block is valid until the next one."""
    state = new_state()
    block = np.zeros(BLOCK_JOBS, JOB)
    while (count := walk(steps, operands, state, block, -1)) > 0:
        yield block[:count]


@compiled
def walk(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray, stop: int
) -> int:
    """Fill `block` with the next jobs after `state`; returns how many, 0 at the end.

    A `stop` that is not negative makes it return early: at the head of each step, and before tile
    `stop` of the present one.
    """
    count = 0
    while count + _MOST_JOBS_AT_ONCE <= block.size:
        at = state[STEP_AT]
        if at == steps.size:
            break
        if state[ENTERED] == 0:
            count = _enter(steps, operands, state, block, count)
            state[ENTERED] = 1
            if stop >= 0:
                break
        elif state[LOADING]:
            count = _load_ahead(steps, operands, state, block, count)
        elif state[COMPUTED]:
            count = _post(steps, state, block, count)
            if state[ITERATION] == stop:
                break
        elif state[ITERATION] < state[STEP_TILES]:
            count = _compute(steps, operands, state, block, count)
        else:
            count = _flush_store(steps, operands, state, block, count, True)
            state[STEP_AT] += 1
            state[ITERATION] = 0
            state[ENTERED] = 0
            state[OUTPUT_TILES] = 0
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
        state[STEP_PERIOD + stream] = _period(step, operands, stream)
    if step["unit"] == ALIAS or step["unit"] == HOST:
        kind = ALIAS_JOB if step["unit"] == ALIAS else HOST_JOB
        job = _job(block, count, kind, at)
        set_bounds(step, tile_index(step, 0), job["bounds"])
        job["after_step"] = at - 1
        state[ITERATION] = state[STEP_TILES]
        return count + 1
    _job(block, count, DISPATCH, at)
    state[LOADING] = 1
    return count + 1


@compiled
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


@compiled
def _compute(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray, count: int
) -> int:
    """Compute one tile, free what it was the last to need, store the tile before."""
    at = state[STEP_AT]
    step = steps[at]
    iteration = state[ITERATION]
    index = tile_index(step, iteration)
    if step["unit"] != ARRAY and step["buffers_outputs"] == 1:
        count = _flush_store(steps, operands, state, block, count, False)
    n_c = -(-step["c"] // step["tile_c"])
    job = _job(block, count, COMPUTE, at)
    set_bounds(step, index, job["bounds"])
    job["first"] = index.c == 0
    job["last"] = index.c == n_c - 1
    last_of_step = iteration + 1 == state[STEP_TILES]
    for stream in range(2):
        period = state[STEP_PERIOD + stream]
        if period == 0:
            continue
        cursor = CURSOR + stream * CURSOR_SIZE
        slot = state[cursor + RELEASED] % SLOTS
        job["waits"][stream] = (FULL_WEIGHTS if stream == WEIGHTS else FULL_INPUTS) + slot
        if last_of_step or (iteration + 1) % period == 0:
            job["signals"][stream] = (FREE_WEIGHTS if stream == WEIGHTS else FREE_INPUTS) + slot
            state[cursor + RELEASED] += 1
    if step["unit"] == ARRAY and not step["direct_store"]:
        job["waits"][2] = FREE_SUMS + state[OUTPUT_TILES] % step["buffers_sums"]
    finished = job["last"] == 1
    count = _flush_store(steps, operands, state, block, count + 1, False)
    if finished and step["unit"] != ARRAY:
        _leave(step, state, job, last_of_step)
    state[COMPUTED] = 1
    state[LOADING] = 1
    return count


@compiled
def _post(steps: np.ndarray, state: np.ndarray, block: np.ndarray, count: int) -> int:
    """Drain the array's present tile, if its sums are complete, and go on to the next tile."""
    at = state[STEP_AT]
    step = steps[at]
    iteration = state[ITERATION]
    index = tile_index(step, iteration)
    if step["unit"] == ARRAY and index.c == -(-step["c"] // step["tile_c"]) - 1:
        job = _job(block, count, POST, at)
        set_bounds(step, index, job["bounds"])
        job["signals"][0] = FREE_SUMS + state[OUTPUT_TILES] % step["buffers_sums"]
        _leave(step, state, job, iteration + 1 == state[STEP_TILES])
        count += 1
    state[COMPUTED] = 0
    state[ITERATION] += 1
    return count


@compiled
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
        state[PENDING_SLOT] = tiles % SLOTS
    state[OUTPUT_TILES] += 1


@compiled
def _flush_store(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray,
    count: int, last: bool,
) -> int:  # fmt: skip
    """Store the output tile that waits for it, if one does."""
    at = state[PENDING_STEP]
    if at < 0:
        return count
    step = steps[at]
    job = _job(block, count, STORE, at)
    set_bounds(step, tile_index(step, state[PENDING_ITERATION]), job["bounds"])
    slot = state[PENDING_SLOT]
    job["stream"] = OUTPUTS
    job["slot"] = slot
    job["waits"][0] = FULL_OUTPUTS + slot
    job["signals"][0] = FREE_OUTPUTS + slot
    job["bytes"] = stream_bytes(step, operands, OUTPUTS, part_of(step, job["bounds"]))
    job["last"] = last
    state[PENDING_STEP] = -1
    return count + 1


@compiled
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
            state[cursor + CURSOR_PERIOD] = _period(step, operands, stream)
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
        count = _load(steps, operands, state, block, count, stream, buffers)
    return count


@compiled
def _comes_early(step: np.void, stream: int) -> bool:
    """True if loads of `stream` may start during the step before."""
    if stream == WEIGHTS:
        return bool(step["prefetch"] == 1)
    return bool(step["prefetch_inputs"] == 1)


@compiled
def _load(
    steps: np.ndarray, operands: np.ndarray, state: np.ndarray, block: np.ndarray,
    count: int, stream: int, buffers: int,
) -> int:  # fmt: skip
    """Emit the load at the cursor of `stream` and move the cursor to the next one."""
    cursor = CURSOR + stream * CURSOR_SIZE
    at = state[cursor + CURSOR_STEP]
    step = steps[at]
    full, free = (FULL_WEIGHTS, FREE_WEIGHTS) if stream == WEIGHTS else (FULL_INPUTS, FREE_INPUTS)
    job = _job(block, count, LOAD, at)
    index = tile_index(step, state[cursor + CURSOR_ITERATION])
    set_bounds(step, index, job["bounds"])
    job["stream"] = stream
    job["slot"] = state[cursor + ISSUED] % SLOTS
    job["bytes"] = stream_bytes(step, operands, stream, part_of(step, job["bounds"]))
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
def _period(step: np.void, operands: np.ndarray, stream: int) -> int:
    """Tiles that one load of `stream` serves; 0 if the step loads nothing through it."""
    if step["unit"] == ALIAS or step["unit"] == HOST or not _streams(step, operands, stream):
        return 0
    return moving_period(step, operands, stream)


@compiled
def _streams(step: np.void, operands: np.ndarray, stream: int) -> bool:
    """True if some operand of `step` moves through `stream`."""
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["stream"] == stream:
            return True
    return False


@compiled
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
    job["bounds"][:] = 0
    return job

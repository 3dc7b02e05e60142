"""Hands the points of a space to workers, chunk by chunk, and writes their rows to the store.

Any `concurrent.futures.Executor` will do. A task is the numbers of some points; a worker that does
not know the space yet answers so, and is sent it with the same numbers again: so the models travel
once a worker, whatever kind of executor it is, and memory does not grow with the points. Rows are
the same whoever computes them and in whatever order.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from dataclasses import dataclass
from itertools import islice

from npusim.errors import Problem, UsageError
from npusim.sweep.point import OK, Row, Work, evaluate, install, space_identity
from npusim.sweep.store import Store

CHUNK_SECONDS = 0.5
"""A chunk takes about this long: little is lost with a worker, and little is said per point."""
MOST_POINTS_A_CHUNK = 512
LOOKED_UP_AT_ONCE = 4096
"""Points that the store is asked for together, and that are sent in the order of their numbers:
neighbours differ in the last axes, and what they share is found once."""
CHUNKS_A_WORKER = 4
"""At least, where the points are counted: the last ones should not wait for one worker."""
CHUNKS_AHEAD = 2
"""Chunks that wait at each worker."""
MOST_BREAKS = 3
"""Times in a row that workers may die without a chunk done in between."""

Answer = Future[tuple[list[Row], float] | None]


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: points `done` of `total` (None where nobody has counted them).

    `reused` were in the store before, `infeasible` are those of the new ones that are not ok.
    """

    done: int
    total: int | None
    reused: int
    infeasible: int


Told = Callable[[Progress], None]


class Inline(Executor):
    """Runs each task at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        """See `Executor.submit`."""
        future: Future[object] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Borrowed(Executor):
    """An executor of somebody else, which stays open."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        """See `Executor.submit`."""
        return self._executor.submit(fn, *args, **kwargs)


class Engine:
    """One run over the points of a space."""

    def __init__(
        self, work: Work, store: Store, opened: Callable[[], Executor], workers: int,
        told: Told | None = None,
    ) -> None:  # fmt: skip
        """`opened` makes an executor; it is asked again if the workers of one have died."""
        self._work, self._store, self._opened, self._told = work, store, opened, told
        self._identity = space_identity(work)
        self._workers = workers
        self._ahead = max(1, workers * CHUNKS_AHEAD)
        self._most = MOST_POINTS_A_CHUNK
        self._waiting: dict[Answer, tuple[int, ...]] = {}
        self._done = self._reused = self._infeasible = 0
        self._chunk, self._breaks = 1, 0
        self._fresh: list[int] = []
        self._pickled = b""
        self._total: int | None = None

    def run(self, numbers: Iterator[int], total: int | None = None) -> None:
        """Evaluate every point of `numbers` that the store does not have, `total` if known.

        It may be called again, for other points.
        """
        self._total = total
        if total is not None:
            share = math.ceil(total / (CHUNKS_A_WORKER * self._workers))
            self._most = max(1, min(share, MOST_POINTS_A_CHUNK))
        self._tell(0)
        executor = self._opened()
        if isinstance(executor, Inline):
            install(self._identity, self._work)
            self._ahead = 1
        try:
            while self._fill(executor, numbers) or self._waiting:
                executor = self._collect(executor)
        finally:
            for answer in self._waiting:
                answer.cancel()
            executor.shutdown(cancel_futures=bool(self._waiting))

    def _fill(self, executor: Executor, numbers: Iterator[int]) -> bool:
        """Submit chunks until enough are on their way; False if there are no more points."""
        while len(self._waiting) < self._ahead:
            chunk = self._next(numbers)
            if chunk is None:
                return False
            self._submit(executor, chunk)
        return True

    def _next(self, numbers: Iterator[int]) -> tuple[int, ...] | None:
        """The next chunk of points that are not in the store; None at the end."""
        size = min(self._chunk, self._most)
        while len(self._fresh) < size and (taken := list(islice(numbers, LOOKED_UP_AT_ONCE))):
            known = self._store.done(taken)
            self._reused += len(known)
            self._tell(len(known))
            self._fresh += sorted({number for number in taken if number not in known})
        chunk = tuple(self._fresh[:size])
        del self._fresh[:size]
        return chunk or None

    def _submit(self, executor: Executor, chunk: tuple[int, ...], whole: bool = False) -> None:
        work = self._payload() if whole else None
        try:
            answer = executor.submit(evaluate, self._identity, chunk, work)
        except BrokenExecutor as error:
            answer = Future()
            answer.set_exception(error)
        self._waiting[answer] = chunk

    def _payload(self) -> bytes:
        if not self._pickled:
            self._pickled = pickle.dumps(self._work, pickle.HIGHEST_PROTOCOL)
        return self._pickled

    def _collect(self, executor: Executor) -> Executor:
        """Write what has been answered; the executor to go on with."""
        answered, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
        for answer in answered:
            chunk = self._waiting.pop(answer)
            try:
                found = answer.result()
            except BrokenExecutor:
                return self._replaced(executor, chunk)
            except (Exception, CancelledError) as error:
                what = f"a worker failed at points {chunk[0]} to {chunk[-1]}: "
                what += f"{type(error).__name__}: {error}; what is done is kept"
                raise UsageError(Problem("workers", what)) from error
            if found is None:
                self._submit(executor, chunk, whole=True)
            else:
                self._write(*found)
        return executor

    def _write(self, rows: list[Row], seconds: float) -> None:
        self._store.write(rows)
        self._breaks = 0
        self._infeasible += sum(row[2] != OK for row in rows)
        wanted = int(CHUNK_SECONDS * len(rows) / max(seconds, 1e-6))
        self._chunk = max(1, min(wanted, 2 * self._chunk, self._most))
        self._tell(len(rows))

    def _replaced(self, executor: Executor, lost: tuple[int, ...]) -> Executor:
        """A new executor with everything that waited at the broken one."""
        self._breaks += 1
        if self._breaks > MOST_BREAKS:
            what = (
                f"worker processes die at points {lost[0]} to {lost[-1]} (killed, perhaps for "
                "memory); what is done is kept: try fewer workers"
            )
            raise UsageError(Problem("--workers", what))
        executor.shutdown(wait=False, cancel_futures=True)
        again = [lost, *self._waiting.values()]
        self._waiting.clear()
        fresh = self._opened()
        for chunk in again:
            self._submit(fresh, chunk)
        return fresh

    def _tell(self, more: int) -> None:
        self._done += more
        if self._told is not None:
            self._told(Progress(self._done, self._total, self._reused, self._infeasible))

"""The engine: chunks, workers that do not know the space, workers that die."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

import npusim
from npusim.errors import UsageError
from npusim.sweep import point
from npusim.sweep.build import space_of
from npusim.sweep.engine import Engine, Inline, Progress
from npusim.sweep.local import open_pool
from npusim.sweep.point import Work, work_of
from npusim.sweep.run import about_of
from npusim.sweep.space import Share
from npusim.sweep.store import Store

MODEL = "mlperf-tiny-ad"
VARY: dict[str, Any] = {"mac_array.rows": [8, 16, 32], "clock": "100 MHz:1 GHz:+100 MHz"}


@pytest.fixture(scope="module")
def work() -> Work:
    return work_of(space_of({"vary": VARY}, models=[Share(MODEL)]))


class Recorded(Inline):
    """Runs tasks at once, and keeps what they were."""

    def __init__(self, broken: int = 0, forgetful: bool = False) -> None:
        self.tasks: list[tuple[Any, ...]] = []
        self.broken, self.forgetful = broken, forgetful

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks.append(args)
        if self.forgetful and len(self.tasks) == 4:
            point._INSTALLED.clear()
        if self.broken:
            self.broken -= 1
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool("killed"))
            return future
        done: Future[Any] = super().submit(fn, *args, **kwargs)
        return done


def _run(work: Work, opened: Callable[[], Executor], told: Any = None) -> Store:
    store = Store(None, about_of(work))
    Engine(work, store, opened, 1, told).run(work.space.points(), 30)
    return store


def test_chunks_grow_and_every_point_comes_once(work: Work) -> None:
    executor, heard = Recorded(), list[Progress]()
    store = _run(work, lambda: executor, heard.append)
    sizes = [len(task[1]) for task in executor.tasks]
    assert sizes[0] == 1 and max(sizes) > 4
    assert [number for task in executor.tasks for number in task[1]] == list(range(30))
    assert [row[0] for row in store.rows()] == list(range(30))
    assert (heard[0], heard[-1]) == (Progress(0, 30, 0, 0), Progress(30, 30, 0, 0))
    assert all(task[2] is None for task in executor.tasks)  # the space is here already


def test_points_of_the_store_are_not_computed_again(work: Work) -> None:
    executor, heard = Recorded(), list[Progress]()
    store = _run(work, lambda: executor)
    again = Recorded()
    Engine(work, store, lambda: again, 1, heard.append).run(work.space.points(), 30)
    assert again.tasks == []
    assert heard[-1] == Progress(30, 30, 30, 0)


def test_a_worker_that_does_not_know_the_space_is_sent_it(work: Work) -> None:
    executor = Recorded(forgetful=True)
    store = _run(work, lambda: executor)
    sent = [task for task in executor.tasks if task[2] is not None]
    assert len(sent) == 1
    assert list(store.rows()) == list(_run(work, Inline).rows())


def test_workers_that_die_are_replaced_and_at_last_given_up(work: Work) -> None:
    store = _run(work, lambda: Recorded(), None)
    breaking = [Recorded(broken=1), Recorded(broken=1), Recorded()]
    assert list(_run(work, lambda: breaking.pop(0)).rows()) == list(store.rows())
    with pytest.raises(UsageError, match="worker processes die at points 0 to 0"):
        _run(work, lambda: Recorded(broken=9))


def test_another_version_at_a_worker_is_refused(work: Work, monkeypatch: Any) -> None:
    executor = Recorded(forgetful=True)
    monkeypatch.setattr(npusim, "__version__", "0.0")
    with pytest.raises((UsageError, RuntimeError), match=r"a worker has npusim 0\.0"):
        _run(work, lambda: executor)


def test_a_bug_at_a_point_is_a_row(work: Work, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr("npusim.api.evaluate", broken)
    store = _run(work, Inline)
    assert store.counts() == {"failed": 30}
    assert store.reasons()[0][1] == "a bug of npusim: ZeroDivisionError: no"


@pytest.mark.slow
def test_a_killed_worker_process_is_replaced(work: Work) -> None:
    pools: list[Any] = []
    killed: list[int] = []

    def opened() -> Executor:
        pools.append(open_pool(2))
        return pools[-1]  # type: ignore[no-any-return]

    def told(state: Progress) -> None:
        if state.done > 0 and not killed:
            killed.append(next(iter(pools[0]._processes)))
            os.kill(killed[0], signal.SIGKILL)

    store = _run(work, opened, told)
    assert len(pools) > 1
    assert list(store.rows()) == list(_run(work, Inline).rows())

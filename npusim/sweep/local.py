"""Worker processes on this machine.

They are forked from one that has imported the simulator and loaded its machine code already, where
the system has such fork servers, and so begin at once; elsewhere each loads it. They do not import
the script of the caller, which then needs no `if __name__ == "__main__"`; elsewhere it does.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from npusim.sweep.engine import Inline

if sys.platform != "win32":
    from multiprocessing.context import ForkServerContext, ForkServerProcess


if sys.platform != "win32":

    class _Process(ForkServerProcess):
        """A process that is not told which script is the caller's."""

        @staticmethod
        def _Popen(process_obj: Any) -> Any:  # noqa: N802
            with _nameless_script():
                return ForkServerProcess._Popen(process_obj)

    class _Context(ForkServerContext):
        Process = _Process


@contextmanager
def _nameless_script() -> Iterator[None]:
    """What the script of this process is called, is unknown for a moment."""
    script: dict[str, Any] = vars(sys.modules["__main__"])
    kept: dict[str, Any] = {n: script[n] for n in ("__spec__", "__file__") if n in script}
    script |= dict.fromkeys(kept)
    try:
        yield
    finally:
        script |= kept


class Processes(ProcessPoolExecutor):
    """A pool whose processes do not finish what is cancelled: it can take minutes."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `Executor.shutdown`."""
        processes = list((self._processes or {}).values()) if cancel_futures else []
        for process in processes:
            process.terminate()
        super().shutdown(wait=wait, cancel_futures=cancel_futures)


def default_workers() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_pool(workers: int) -> Executor:
    """An executor of `workers` processes; with one, this process does the work."""
    if workers == 1:
        return Inline()
    if "forkserver" not in multiprocessing.get_all_start_methods():
        spawned = multiprocessing.get_context("spawn")
        return Processes(workers, mp_context=spawned, initializer=_begin)
    context = _Context()
    context.set_forkserver_preload(["npusim.sweep.preload"])
    _start_fork_server()
    first = context.Process(target=_nothing)  # begins when the imports are done
    first.start()
    first.join()
    return Processes(workers, mp_context=context, initializer=_begin)


def _start_fork_server() -> None:
    """It inherits that Ctrl-C is blocked, so none interrupts its imports."""
    from multiprocessing import resource_tracker
    from multiprocessing.forkserver import ensure_running

    resource_tracker.ensure_running()  # which unblocks the signal when it begins
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _nothing() -> None:
    """An interrupt while the first process waits for the imports leaves nothing half begun."""


def _begin() -> None:
    """Leave Ctrl-C to the process that writes the store, and end when that one has died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

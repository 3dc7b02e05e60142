"""Worker processes on this machine.

They are forked from one that has imported the simulator and loaded its machine code already, where
the system has such fork servers, and so begin at once; elsewhere each loads it.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from concurrent.futures import Executor, ProcessPoolExecutor

from npusim.sweep.engine import Inline


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
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "npusim.sweep.preload"])
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

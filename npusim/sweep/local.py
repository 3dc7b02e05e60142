"""Worker processes on this machine.

They are forked from one that has imported the simulator and loaded its machine code already, where
the system has such fork servers, and so begin at once; elsewhere each loads it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Executor, ProcessPoolExecutor

from npusim.sweep.engine import Inline


def default_workers() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_pool(workers: int) -> Executor:
    """An executor of `workers` processes; with one, this process does the work."""
    if workers == 1:
        return Inline()
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["__main__", "npusim.sweep.preload"])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts)


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that writes the store."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

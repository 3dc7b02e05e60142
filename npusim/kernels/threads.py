"""How many threads a layer may run on; the bits are the same with any number.

The number belongs to the calling thread or task (a context variable): 1, or what the variable
NPUSIM_THREADS of the environment says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from npusim.errors import Problem, UsageError

VARIABLE = "NPUSIM_THREADS"
MOST = 64
"""As the C kernels have it, MOST_PARTS: more are not started."""

_chosen: ContextVar[int] = ContextVar("threads", default=1)


def allowed() -> int:
    """The number of threads for a kernel that is called now."""
    return _chosen.get()


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """At most so many threads meanwhile; None: as the environment says.

    UsageError unless it is a whole number from 1 to MOST.
    """
    token = _chosen.set(_from_environment() if threads is None else _checked("threads", threads))
    try:
        yield
    finally:
        _chosen.reset(token)


def _from_environment() -> int:
    text = os.environ.get(VARIABLE, "")
    if not text:
        return 1
    return _checked(VARIABLE, int(text) if text.isascii() and text.isdigit() else text)


def _checked(where: str, threads: object) -> int:
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST:
        what = f"{threads!r} is no number of threads: a whole number from 1 to {MOST}"
        raise UsageError(Problem(where, what))
    return threads

"""How cost, search, walker and engine are compiled: plain functions that Numba caches.

A function under `compiled` is its own reference: `function.py_func` runs uncompiled, and
`NUMBA_DISABLE_JIT=1` runs everything so. Importing this module imports Numba, so only what counts
cycles imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` in no-Python mode and cache the machine code beside the source."""
    return cast(Callable[P, R], numba.njit(cache=True, error_model="numpy")(function))

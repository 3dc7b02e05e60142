"""Design spaces: many points of hardware, and what a designer can read from them.

`npusim.sweep` is the function of the public interface and this package at once: Python sets the
attribute to the package as soon as a module of it is imported, so the package can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is called as its function `sweep`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from npusim.sweep.run import sweep

        return sweep(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

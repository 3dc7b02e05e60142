"""One table of kernels: a name, and the implementation of the chosen path.

`reference` (numpy) defines every kernel. `c` and `numba` provide some of them under the same name
and the same signature; a kernel that a path lacks comes from the reference, so that every path is
complete.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from npusim.errors import Problem, UsageError
from npusim.numerics.accumulation import Accumulation

PATHS = ("c", "numba", "reference")
_MODULES = {
    "c": "npusim.kernels.native",
    "numba": "npusim.kernels.compiled",
    "reference": "npusim.kernels.reference",
}


@dataclass(frozen=True)
class Kernels:
    """The kernels of one path; `table` maps a kernel's name to a function.

    `accumulation` is how the array that an operator is bound for sums products; None stands for the
    framework's own way (a host's): integers exactly, floats as `convolution_float32` says.
    `saturates` says whether results beyond FP8 become its greatest number, as ONNX quantizes, or
    what the format has: infinity or NaN.
    """

    path: str
    table: Mapping[str, Callable[..., Any]]
    accumulation: Accumulation | None = None
    saturates: bool = True

    def get(self, name: str) -> Callable[..., Any]:
        """The kernel called `name`; KeyError if no path defines it."""
        return self.table[name]

    def summing(self, accumulation: Accumulation | None, saturates: bool = True) -> Kernels:
        """The same kernels for an array that sums so, or a unit that rounds so."""
        return replace(self, accumulation=accumulation, saturates=saturates)


@functools.cache
def kernels(path: str | None = None) -> Kernels:
    """Kernels of `path` ("c", "numba" or "reference"); by default the fastest that is installed."""
    if path is None:
        path = "c" if native_available() else "numba"
    if path not in PATHS:
        raise UsageError(Problem("kernels", f"unknown path '{path}'; known: {', '.join(PATHS)}"))
    if path == "c" and not native_available():
        what = "npusim was installed without C kernels (NPUSIM_NO_C); 'numba' gives the same bits"
        raise UsageError(Problem("kernels", what))
    table = dict(importlib.import_module(_MODULES["reference"]).KERNELS)
    table.update(importlib.import_module(_MODULES[path]).KERNELS)
    return Kernels(path, table)


def native_available() -> bool:
    """True if the C kernels were built when the package was installed."""
    return importlib.util.find_spec("npusim.kernels._native") is not None

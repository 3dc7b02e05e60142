"""Build script of the C kernels (cffi, API mode): the extension `npusim.kernels._native`.

`include/npusim_kernels.h` is both what the compiler includes and what Python knows: its lines that
begin with `#` are dropped for cffi. A compile that fails fails the installation; to install without
C kernels, set NPUSIM_NO_C=1 (see setup.py).
"""

import os
from pathlib import Path

from cffi import FFI

_HERE = Path(__file__).resolve().parent
_TOP = _HERE.parent
_HEADER = _HERE / "include" / "npusim_kernels.h"


def _relative(path: Path) -> str:
    """Paths below the project, as setuptools wants them for a source distribution."""
    return os.path.relpath(path, _TOP)


def _declarations() -> str:
    lines = _HEADER.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


ffibuilder = FFI()
ffibuilder.cdef(_declarations())
ffibuilder.set_source(
    "npusim.kernels._native",
    '#include "npusim_kernels.h"',
    sources=[_relative(path) for path in sorted(_HERE.glob("*/*.c"))],
    depends=[_relative(path) for path in sorted(_HERE.glob("*/*.h"))],
    include_dirs=[_relative(_HERE / "include")],
    libraries=[] if os.name == "nt" else ["pthread"],
    # Sums wrap, and a product and a sum must not become one fused operation: bits matter here.
    extra_compile_args=["-O3", "-std=c11", "-fwrapv", "-ffp-contract=off", "-Wall", "-Wextra"],
)

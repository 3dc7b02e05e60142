"""How cost, search, walker and engine are compiled: plain functions that Numba caches.

A function under `compiled` is its own reference: `function.py_func` runs uncompiled, and
`NUMBA_DISABLE_JIT=1` runs everything so. Importing this module imports Numba, so only what counts
cycles imports it.

Machine code holds the functions that it calls, but Numba looks at a function's own file only when
it decides whether its cache is still good. So each module has a cache folder of its own, named by
the state of its source and of all sources of npusim that it imports; folders of older states are
removed. They lie beside the sources, or in the user's cache where that can't be written.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types

P = ParamSpec("P")
R = TypeVar("R")

_PACKAGE = Path(__file__).resolve().parent
_IMPORT = re.compile(r"^from (npusim[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` in no-Python mode, with its machine code cached across processes.

    It borrows the arrays that it is given: it counts no references to them, which would take more
    time than most of these functions do. So it must not create arrays, nor call what does: see
    `allocating`. Parts of arrays it may return only to functions that count nothing either.
    """
    return _compiled(function, counts_references=False)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """`compiled`, put into the code of every caller: for what is called from few places and often.

    A call passes each array in seven words, which takes longer than many of these functions do.
    """
    return _compiled(function, counts_references=False, forceinline=True)


def allocating(function: Callable[P, R]) -> Callable[P, R]:
    """`compiled`, for functions that create or return arrays, or call such functions."""
    return _compiled(function, counts_references=True)


def _compiled(
    function: Callable[P, R], counts_references: bool, forceinline: bool = False
) -> Callable[P, R]:
    settings: Any = numba.config
    usual = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder(function.__module__))
    njit: Any = numba.njit
    try:
        dispatcher = njit(
            cache=True,
            error_model="numpy",
            no_cfunc_wrapper=True,
            _nrt=counts_references,
            forceinline=forceinline,
        )(function)
    finally:
        settings.CACHE_DIR = usual
    if not settings.DISABLE_JIT:
        _take_no_literals(dispatcher)
    return cast(Callable[P, R], dispatcher)


def _take_no_literals(dispatcher: Any) -> None:
    """Compile one version for all values of an argument, not one for each constant in a call.

    Numba types a constant as its value: a function that is called with ten of them, and all that it
    calls, would be compiled ten times.
    """
    usual, kinds = dispatcher.get_call_template, cast(Any, types)

    def get_call_template(args: Any, kws: Any) -> Any:
        named = {name: kinds.unliteral(kind) for name, kind in kws.items()}
        return usual(tuple(kinds.unliteral(kind) for kind in args), named)

    dispatcher.get_call_template = get_call_template


@functools.cache
def cache_folder(module: str) -> Path:
    """The folder with the machine code of `module` in the present state of the sources."""
    state = hashlib.sha256()
    for path in sorted(_sources(Path(sys.modules[module].__file__ or "").resolve())):
        stat = path.stat()
        state.update(f"{path} {stat.st_mtime_ns} {stat.st_size}\n".encode())
    folder = cache_root() / module
    current = folder / state.hexdigest()[:16]
    if folder.is_dir() and not current.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    return current


def cache_root() -> Path:
    """The folder of all machine code of this installation; it need not exist yet."""
    beside = _PACKAGE / "__pycache__"
    if os.access(beside if beside.is_dir() else _PACKAGE, os.W_OK):
        return beside / "numba"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    place = hashlib.sha256(str(_PACKAGE).encode()).hexdigest()[:16]
    return Path(home) / "npusim" / place


def _sources(first: Path) -> set[Path]:
    """`first` and every source of npusim that it imports, directly or not."""
    found: set[Path] = set()
    waiting = [first]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += _imports(path)
    return found


@functools.cache
def _imports(path: Path) -> tuple[Path, ...]:
    """The sources of npusim that `path` imports from: modules, and modules of packages."""
    imported = []
    for module, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
        base = _PACKAGE.parent.joinpath(*module.split("."))
        imported.append(base.with_suffix(".py"))
        imported += [base / f"{name}.py" for name in re.findall(r"\w+", names)]
    return tuple(source for source in imported if source.is_file())

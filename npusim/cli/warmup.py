"""The first run after installation compiles what counts cycles; it says so."""

from __future__ import annotations

from pathlib import Path

import click

NOTICE = "compiling the simulator, once: about a minute; its machine code is kept for the next runs"


def announce_compilation(quiet: bool) -> None:
    """Say on stderr that Numba is about to compile, if its cache has no timing engine."""
    if not quiet and _cache_is_empty():
        click.echo(NOTICE, err=True)


def _cache_is_empty() -> bool:
    """True if no machine code of the engine lies where Numba keeps it; False where it keeps none.

    With `NUMBA_DISABLE_JIT` the engine is a plain function, and there is nothing to compile.
    """
    from npusim.timing.engine import simulate

    stats = getattr(simulate, "stats", None)
    if stats is None or stats.cache_path is None:
        return False
    return not any(Path(stats.cache_path).glob("engine.simulate-*.nbi"))

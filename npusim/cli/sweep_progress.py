"""How far a sweep is: a bar on stderr, where that is a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from npusim.sweep.engine import Progress as State
    from npusim.sweep.engine import Told


@contextmanager
def progress(quiet: bool) -> Iterator[Told | None]:
    """What to tell of progress; None where nobody looks."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        start = time.monotonic()

        def told(state: State) -> None:
            seconds = time.monotonic() - start
            points_per_s = (state.done - state.reused) / max(seconds, 1e-3)
            digits = 0 if points_per_s >= 10 else 1
            rate = f"{points_per_s:,.{digits}f} points/s" if points_per_s else "starting"
            if state.reused:
                rate += f", {state.reused:,} from the store"
            if state.infeasible:
                rate += f", {state.infeasible:,} infeasible"
            bar.update(task, completed=state.done, total=state.total, rate=rate)

        yield told

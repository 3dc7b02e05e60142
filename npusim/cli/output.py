"""The console for results: colours on a terminal only, and a width that tables fit in pipes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_PIPES = 100


def results() -> Console:
    """A console on stdout. `COLUMNS` sets its width, `NO_COLOR` takes the colours away."""
    from rich.console import Console

    class Results(Console):
        """Leaves a broken pipe to the application, which has an exit code of its own for it."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_PIPES
    return Results(width=fixed, highlight=False, markup=False, emoji=False)

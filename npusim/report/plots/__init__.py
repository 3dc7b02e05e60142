"""Plots of a Report by matplotlib (extra `plot`), which is loaded when the first one is drawn.

One file a kind; `overview` has all of them on a page.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from npusim.errors import Problem, UsageError, nearest_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npusim.report.types import Findings

OVERVIEW = "all"
KINDS = ("causes", "roofline", "energy", "memory")
"""Each is the module of this package that draws it."""
ENDINGS = (".png", ".svg", ".pdf")


def figure_of(report: Findings, kind: str = OVERVIEW) -> Figure:
    """The figure of one of `KINDS`, or all of them on a page; it shows itself in a notebook.

    UsageError for an unknown kind, or if matplotlib is not installed.
    """
    known = (*KINDS, OVERVIEW)
    if kind not in known:
        what = f"unknown kind '{kind}'{nearest_name(kind, known)}; known: {', '.join(known)}"
        raise UsageError(Problem("plot", what))
    require_matplotlib()
    module = import_module(f"{__name__}.{'overview' if kind == OVERVIEW else kind}")
    return cast("Figure", module.figure(report))


def image_of(figure: Figure, ending: str) -> bytes:
    """A figure as the content of a file whose name has one of `ENDINGS`; the same bytes each time.

    The lines of vector formats stay lines; bitmaps have 150 pixels an inch.
    """
    from npusim.report.plots.style import rendered

    return rendered(figure, ending.removeprefix(".").lower())


def ending_of(path: str) -> str:
    """The ending of a plot's file name; UsageError if no format is known by it."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        what = f"{path} has none of the known endings: {', '.join(ENDINGS)}"
        raise UsageError(Problem("--plot", what))
    return ending


def require_matplotlib() -> None:
    """UsageError if matplotlib can't be imported."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        what = f"needs matplotlib ({error}): pip install 'npusim[plot]'"
        raise UsageError(Problem("plot", what)) from None

"""Plots of a sweep by matplotlib (extra `plot`), which is loaded when the first one is drawn.

One file a kind; `overview` has all of them on a page. `report.plots.image_of` makes files of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from npusim.errors import Problem, UsageError, nearest_name
from npusim.report.plots import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npusim.sweep.summary import Summary

OVERVIEW = "all"
KINDS = ("scatter", "heat_map", "parallel")
"""Each is the module of this package that draws it."""


def figure_of(found: Summary, kind: str = OVERVIEW) -> Figure:
    """The figure of one of `KINDS`, or all of them on a page; it shows itself in a notebook.

    UsageError for an unknown kind, without a feasible point, or if matplotlib is not installed.
    """
    known = (*KINDS, OVERVIEW)
    if kind not in known:
        what = f"unknown kind '{kind}'{nearest_name(kind, known)}; known: {', '.join(known)}"
        raise UsageError(Problem("plot", what))
    if not found.feasible:
        raise UsageError(Problem("plot", f"none of {found.points} points is feasible"))
    require_matplotlib()
    module = import_module(f"{__name__}.{'overview' if kind == OVERVIEW else kind}")
    return cast("Figure", module.figure(found))

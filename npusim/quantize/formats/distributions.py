"""Distributions as a user names them: a density, its cut, and a clip if it is not searched.

uniform[:L]  gaussian[:L]  student:NU[:L]      L is where the density is cut, see `densities`
NAME@CLIP                                      the outer codes lie at -CLIP and CLIP
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from npusim.errors import Problem, UsageError, nearest_name
from npusim.quantize.formats.densities import (
    GAUSSIAN_LIMIT,
    STUDENT,
    STUDENT_LIMIT,
    Density,
    gaussian,
    student,
    uniform,
)

NAMES = ("uniform", "gaussian", STUDENT)
DEFAULT = (
    "uniform", "gaussian", "gaussian@4.4", "student:8:100", "student:4:100", "student:2:1000",
)  # fmt: skip
"""From no tail to a heavy one; 4.4 is about the extreme of 100,000 normal samples."""
MOST_NU = 100
LEAST, MOST = 0.1, 1e6
"""Of cuts and clips, in units of the density; closed forms keep their digits within."""


@dataclass(frozen=True)
class Case:
    """A density as it was named, and the clip that was given, None if it is to be searched."""

    name: str
    density: Density
    clip: float | None = None


def cases_named(names: Iterable[str]) -> tuple[Case, ...]:
    """The distributions called `names`; UsageError lists every name that is none, or is twice."""
    problems, found = [], dict[str, Case]()
    for name in names:
        case = _parsed(name)
        if isinstance(case, Case) and name in found:
            case = f"'{name}' is given twice"
        if isinstance(case, str):
            problems.append(Problem("distribution", case))
        else:
            found[name] = case
    if problems:
        raise UsageError(problems)
    return tuple(found.values())


def _parsed(name: str) -> Case | str:
    """The distribution called `name`, or why there is none."""
    density, at, clip_text = name.partition("@")
    kind, *settings = density.split(":")
    if kind not in NAMES:
        form = "uniform[:L], gaussian[:L], student:NU[:L], each with @CLIP"
        return f"unknown distribution '{kind}'{nearest_name(kind, NAMES)}; known: {form}"
    clip = _number(clip_text) if at else None
    if at and clip is None:
        return f"'{name}': the clip '{clip_text}' is no number from {LEAST:g} to {MOST:g}"
    nu_text = settings.pop(0) if kind == STUDENT and settings else ""
    if kind == STUDENT and not (nu_text.isdecimal() and 1 <= int(nu_text) <= MOST_NU):
        return f"'{name}': needs whole degrees of freedom from 1 to {MOST_NU}, as in student:4"
    if len(settings) > 1:
        return f"'{name}' has more than one cut"
    limit = _number(settings[0]) if settings else None
    if settings and limit is None:
        return f"'{name}': the cut '{settings[0]}' is no number from {LEAST:g} to {MOST:g}"
    if kind == "uniform":
        return Case(name, uniform(limit or 1.0), clip)
    if kind == "gaussian":
        return Case(name, gaussian(limit or GAUSSIAN_LIMIT), clip)
    return Case(name, student(int(nu_text), limit or STUDENT_LIMIT), clip)


def _number(text: str) -> float | None:
    """A number from LEAST to MOST, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and LEAST <= value <= MOST else None

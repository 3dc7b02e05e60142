"""The design space of a command line: a file of one, options, or options on top of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim import api
from npusim.cli.options import parse_shapes
from npusim.errors import Problem, UsageError
from npusim.hardware.layers import as_pairs
from npusim.sweep.axis import AxisError, split_vary
from npusim.sweep.build import merged_space
from npusim.sweep.space import Share

if TYPE_CHECKING:
    from npusim.cli.sweep import Request
    from npusim.sweep.space import Space

DESCRIPTIONS = (".yaml", ".yml")
BUNDLED = "digits"


def space_of_request(request: Request) -> Space:
    """The space that `request` asks for; UsageError lists every mistake."""
    files = [name for name in request.given if name.lower().endswith(DESCRIPTIONS)]
    models = [name for name in request.given if name not in files]
    problems: list[Problem] = []
    if len(files) > 1:
        problems.append(Problem("FILE", f"one space at a time: {' '.join(files)}"))
    axes = _axes(request.varied, problems)
    if not (files or axes or problems):
        what = "nothing varies: give --vary PATH=VALUES, for example mac_array.rows=16,32,64"
        problems.append(Problem("--vary", what))
    if request.shapes and not models:
        what = "is for a MODEL of this command line; in a file of a space, fix shapes in the model"
        problems.append(Problem("--shape", what))
    if problems:
        raise UsageError(problems)
    stated: dict[str, object] = {
        "hardware": request.hardware, "assume": request.assume, "schedule": request.goal,
        "inputs": request.inputs, "labels": request.labels, "batch": request.batch,
        "sample": request.sample, "seed": request.seed,
        "objectives": request.pareto and [name.strip() for name in request.pareto.split(",")],
    }  # fmt: skip
    options: dict[str, object] = {key: value for key, value in stated.items() if value is not None}
    options |= {"set": dict(as_pairs(request.overrides)), "vary": axes}
    options |= {"constraints": list(request.constraints)}
    shapes = parse_shapes(request.shapes)
    shares = [Share(name, model=api.load_model(name, shapes or None)) for name in models]
    return merged_space(files[0] if files else None, options, shares, BUNDLED)


def check_plot(kind: str, space: Space) -> None:
    """UsageError if `space` has too few axes for a heat map, before its points are simulated."""
    varying = [axis.name for axis in space.axes if len(axis) > 1]
    if kind == "heat_map" and len(varying) < 2:
        what = f"is of two fields that vary; here {', '.join(varying) or 'none'} does"
        raise UsageError(Problem("--plot-kind heat_map", what))


def _axes(varied: tuple[str, ...], problems: list[Problem]) -> dict[str, str]:
    axes: dict[str, str] = {}
    for text in varied:
        try:
            name, values = split_vary(text)
        except AxisError as error:
            problems.append(Problem(f"--vary {text}", str(error)))
            continue
        if name in axes:
            problems.append(Problem(f"--vary {name}", "is given twice"))
        axes[name] = values
    return axes

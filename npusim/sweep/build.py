"""From what a user wrote, a file or options, to a `Space`; every mistake is reported at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from npusim.energy.objective import OBJECTIVES as GOALS
from npusim.errors import NpusimError, Problem, UsageError, nearest_name
from npusim.hardware.document import Document, Path, read_document
from npusim.hardware.fields import UnknownFieldError, leaf_paths, value_at
from npusim.hardware.textfile import read_text
from npusim.hardware.variants import Variants
from npusim.numerics.formats import format_named
from npusim.sweep.axis import ASSUME, MODEL, Axis, AxisError, axis_of
from npusim.sweep.constraints import Constraint, ConstraintError
from npusim.sweep.metrics import METRICS, OF_EACH_MODEL
from npusim.sweep.objectives import ACCURACY, OBJECTIVES, OF
from npusim.sweep.space import METHODS, MOST_POINTS, Sample, Share, Space
from npusim.sweep.space_file import SpaceFile, WeightedModel

MOST_FILE_BYTES = 1 << 20
MOST_CHECKED = 256
"""Values of an axis that are checked before the sweep; of others, a point says what is wrong."""
_SHORT = {"edp": "edp_js", "energy": "energy_j", "latency": "latency_s", "area": "area_mm2"}
_SHORT |= {"first_inference": "first_inference_s", "sram_peak": "sram_peak_bytes"}
_SHORT |= {
    "tops": "tops_effective",
    "dram": "dram_bytes",
    "power": "average_power_w",
    "throughput": "throughput_ips",
}
_SAMPLE = re.compile(r"(grid)|(random|lhs|optuna|optuna-tpe):([1-9]\d{0,11})")

_OPTIONS = {
    "hardware": "--hw", "set": "--set", "vary": "--vary", "constraints": "--constraint",
    "assume": "--assume", "batch": "--batch", "objectives": "--pareto", "schedule": "--objective",
    "sample": "--sample", "seed": "--seed", "inputs": "--inputs", "labels": "--labels",
    "models": "MODEL",
}  # fmt: skip

Placed = Callable[[Path], str]
"""Where a part of a space was written: by its path in a file of a space."""


def read_space(path: str | os.PathLike[str]) -> Space:
    """The space of a YAML file. UsageError lists every mistake with its line."""
    document = _document(path)
    return space_of(document.data, lambda where: _place(document, where))


def _document(path: str | os.PathLike[str]) -> Document:
    text = read_text(FilePath(path), str(path), MOST_FILE_BYTES, "a design space")
    document = read_document(text, str(path), FilePath(path).name)
    if document.problems:
        raise UsageError(document.problems)
    return document


def merged_space(
    path: str | None, options: Mapping[str, Any], models: Sequence[Share], default_model: str
) -> Space:
    """The space of a file, if any, with `options` (the same keys) on top, and more `models`."""
    document = Document({}) if path is None else _document(path)
    data = dict(document.data)
    for key, value in options.items():
        below = data.get(key)
        if isinstance(value, dict):
            data[key] = {**(below if isinstance(below, dict) else {}), **value}
        elif isinstance(value, list) and key == "constraints":
            data[key] = [*(below if isinstance(below, list) else []), *value]
        else:
            data[key] = value
    vary = data.get("vary")
    named = models or data.get("models") or (isinstance(vary, dict) and MODEL in vary)
    shares = models if named else (Share(default_model),)

    def placed(where: Path) -> str:
        option = _OPTIONS.get(str(where[0])) if where else None
        if option is not None and (where not in document.places):
            return f"{option} {where[1]}" if where[0] == "vary" and len(where) > 1 else option
        return _place(document, where)

    return space_of(data, placed, shares)


def space_of(stated: Mapping[str, Any], placed: Placed = lambda path: ".".join(map(str, path)),
             models: Sequence[Share] = ()) -> Space:  # fmt: skip
    """The space that `stated` (the keys of a file) describes; `models` come beside its own.

    UsageError lists every mistake, at the place that `placed` gives.
    """
    try:
        file = SpaceFile.model_validate(stated)
    except ValidationError as error:
        raise UsageError([_problem(one, placed) for one in error.errors()]) from None
    problems: list[Problem] = []
    variants = _variants(file, placed, problems)
    axes = _axes(file, variants, placed, problems)
    found = Space(
        hardware=file.hardware,
        variants=variants,
        axes=axes,
        constraints=_constraints(file, axes, variants, placed, problems),
        models=_models(file, axes, models, placed, problems),
        assume=_format(file.assume, placed((ASSUME,)), problems),
        batch=file.batch,
        inputs=file.inputs,
        labels=file.labels,
        objectives=_objectives(file, placed, problems),
        goal=_one_of(file.schedule, GOALS, placed(("schedule",)), problems),
        sample=sample_of(file.sample, file.seed, placed(("sample",)), problems),
    )
    if not problems and found.size > MOST_POINTS:
        problems.append(Problem(placed(("vary",)), f"{found.size} points are too many to number"))
    if problems:
        raise UsageError(problems)
    return found


def sample_of(text: str, seed: int, where: str, problems: list[Problem]) -> Sample:
    """The sample that `text` asks for; what is wrong with it is added to `problems`."""
    match = _SAMPLE.fullmatch(text.strip())
    if match is None:
        name = text.partition(":")[0]
        hint = nearest_name(name, METHODS) if name not in METHODS else ""
        known = ", ".join(("grid", *(f"{name}:N" for name in METHODS[1:])))
        what = f"{text!r} is no sample{hint}: expected one of {known}"
        problems.append(Problem(where, what))
        return Sample()
    return Sample(match[1] or match[2], int(match[3]) if match[3] else None, seed)


def _variants(file: SpaceFile, placed: Placed, problems: list[Problem]) -> Variants:
    try:
        return Variants(file.hardware, file.set)
    except NpusimError as error:
        where = placed(("hardware",))
        problems += [Problem(p.where or where, p.what) for p in error.problems]
        raise UsageError(problems) from None


def _axes(
    file: SpaceFile, variants: Variants, placed: Placed, problems: list[Problem]
) -> tuple[Axis, ...]:
    axes: dict[str, Axis] = {}
    for name, spec in file.vary.items():
        where = placed(("vary", name))
        try:
            axis = axis_of(name, spec)
        except (AxisError, UnknownFieldError) as error:
            problems.append(Problem(where, str(error)))
            continue
        twice = [path for path in axis.paths if any(path in a.paths for a in axes.values())]
        problems += [Problem(where, f"{path} is in another axis already") for path in twice]
        problems += _wrong_values(axis, variants, where)
        axes[name] = axis
    return tuple(axes.values())


def _wrong_values(axis: Axis, variants: Variants, where: str) -> list[Problem]:
    """What is wrong with the values of an axis, each by itself."""
    found: dict[Problem, None] = {}
    for row in axis.given[:MOST_CHECKED]:
        stated = dict(zip(axis.paths, row, strict=True))
        problems: list[Problem] = []
        _format(stated.pop(ASSUME, None), where, problems)
        name = stated.pop(MODEL, "")
        if not isinstance(name, str):
            problems.append(Problem(where, f"{name!r} is no name of a model"))
        problems += variants.field_problems(stated) if stated else []
        found |= {Problem(where, problem.what): None for problem in problems}
    return list(found)


def _constraints(
    file: SpaceFile, axes: Sequence[Axis], variants: Variants, placed: Placed,
    problems: list[Problem],
) -> tuple[Constraint, ...]:  # fmt: skip
    fields = [path for axis in axes for path in axis.paths]
    constants = _constants(variants) if file.constraints else {}
    found = []
    for index, text in enumerate(file.constraints):
        try:
            found.append(Constraint(text, fields, constants))
        except ConstraintError as error:
            problems.append(Problem(placed(("constraints", index)), f"{text}: {error}"))
    return tuple(found)


def _constants(variants: Variants) -> dict[str, int | float | str]:
    """Numbers and names of the base hardware, by their path."""
    found: dict[str, int | float | str] = {}
    for path in leaf_paths():
        try:
            value = value_at(variants.base, path)
        except UnknownFieldError:
            continue
        if isinstance(value, int | float | str):
            found[path] = value
    return found


def _models(
    file: SpaceFile, axes: Sequence[Axis], given: Sequence[Share], placed: Placed,
    problems: list[Problem],
) -> tuple[Share, ...]:  # fmt: skip
    """The models of a file and those `given` beside it; or those that are the values of an axis."""
    if (file.inputs is None) != (file.labels is None):
        problems.append(Problem(placed(("inputs",)), "inputs and labels go together"))
    for at, entry in enumerate(file.models):
        if (entry.inputs is None) != (entry.labels is None):
            what = f"{entry.model}: inputs and labels go together"
            problems.append(Problem(placed(("models", at)), what))
    shares = [
        Share(entry.model, entry.weight, inputs=entry.inputs, labels=entry.labels)
        for entry in file.models
    ]
    shares += given
    axis = next((axis for axis in axes if MODEL in axis.paths), None)
    if axis is None:
        return tuple(shares)
    names = dict.fromkeys(str(row[axis.paths.index(MODEL)]) for row in axis.values)
    own = {share.name: share for share in shares}
    for name in own.keys() - names.keys():
        hint = nearest_name(name, list(names))
        what = f"'{name}' is not one of the values of the axis {MODEL}{hint}"
        problems.append(Problem(placed(("models",)), what))
    return tuple(own.get(name, Share(name)) for name in names)


def _format(name: object, where: str, problems: list[Problem]) -> str | None:
    try:
        for part in str(name).split("*") if name is not None else ():
            format_named(part)
    except KeyError:
        what = f"unknown number format {str(name)!r}: expected int8, fp16, int8*int4, ..."
        problems.append(Problem(where, what))
    return None if name is None else str(name)


def _objectives(file: SpaceFile, placed: Placed, problems: list[Problem]) -> tuple[str, ...]:
    names = tuple(map(_full_name, file.objectives))
    where = placed(("objectives",))
    for name in names:
        kind, of_a_model, _ = name.partition(OF)
        if kind not in OBJECTIVES:
            problems.append(Problem(where, _unknown(kind)))
            continue
        known = (*(OF_EACH_MODEL if of_a_model else METRICS), ACCURACY)
        if kind not in known:
            what = f"a sweep does not find {name}; it finds {', '.join(known)}"
            problems.append(Problem(where, what))
    return names


def _full_name(name: str) -> str:
    """The column that a short name stands for, also of one model: `latency of resnet-50`."""
    kind, of, model = name.partition(OF)
    return _SHORT.get(kind, kind) + of + model


def _unknown(objective: str) -> str:
    """What is said of an objective that there is none of: short names come first."""
    short = {name: short for short, name in _SHORT.items()}
    known = [short.get(name, name) for name in OBJECTIVES]
    hint = nearest_name(objective, [*known, *_SHORT.values()])
    return f"unknown objective '{objective}'{hint}; known: {', '.join(known)}"


def _one_of(name: str, known: Sequence[str], where: str, problems: list[Problem]) -> str:
    if name not in known:
        what = f"{name!r} is not known{nearest_name(name, known)}: expected {', '.join(known)}"
        problems.append(Problem(where, what))
    return name


def _problem(detail: ErrorDetails, placed: Placed) -> Problem:
    path, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        known = list(WeightedModel.model_fields if path[0] == "models" else SpaceFile.model_fields)
        hint = nearest_name(str(path[-1]), known)
        what = f"unknown key '{path[-1]}'{hint}: expected {', '.join(known)}"
    elif kind == "missing":
        return Problem(placed(path[:-1]), f"key '{path[-1]}' is missing")
    else:
        what = f"{'.'.join(map(str, path))}: {detail['msg']}, found {detail['input']!r}"
    return Problem(placed(path), what)


def _place(document: Document, path: Path) -> str:
    while path and path not in document.places:
        path = path[:-1]
    place = document.places.get(path)
    return "" if place is None else place.key_where

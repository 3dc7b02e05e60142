"""From a preset's name or a YAML file to a `Hardware`, with every mistake reported at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from npusim.errors import DescriptionError, Problem, nearest_name
from npusim.hardware.document import (
    FREE,
    Document,
    Path,
    Place,
    read_document,
    resolve_citations,
)
from npusim.hardware.explainer import problems_of
from npusim.hardware.layers import Overrides, lookup, merge, overrides_document
from npusim.hardware.presets import preset_names, preset_path
from npusim.hardware.schema import Hardware
from npusim.hardware.textfile import read_text

MAX_FILE_BYTES = 1 << 20
_NUMBER = re.compile(r"[+-]?\.?\d")
_PLACE = re.compile(r"(.*):([0-9]{1,9}):([0-9]{1,9})", re.DOTALL)
_NOT_FIGURES = ("npusim", "name", "description", "sources", "not_modelled", FREE)


@dataclass(frozen=True)
class SourcedValue:
    """One value of a description: its dotted path, what was written, where, and who says so."""

    path: str
    value: object
    where: str
    origin: str
    sources: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        """True for counts and quantities, which need a source; names and choices do not."""
        if isinstance(self.value, str):
            return bool(_NUMBER.match(self.value))
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)


@dataclass(frozen=True)
class Description:
    """A loaded description: the hardware, and where each stated value came from."""

    hardware: Hardware
    values: tuple[SourcedValue, ...]

    def unsourced(self) -> list[SourcedValue]:
        """The numbers that cite no source and are not declared free."""
        free = self.hardware.free
        return [
            value
            for value in self.values
            if value.is_number and not value.sources and value.path not in free
        ]


def load_hardware(name_or_path: str | os.PathLike[str], overrides: Overrides = ()) -> Hardware:
    """The hardware of a preset's name or of a `.yaml` path, with `overrides` applied.

    `overrides` maps dotted paths to values (`{"memory.sram.size": "1 MiB"}`) or lists texts
    (`["mac_array.rows=64"]`). Raises `DescriptionError` with every mistake and its place.
    """
    return load_description(name_or_path, overrides).hardware


def resolve_sources(
    name_or_path: str | os.PathLike[str], overrides: Overrides = ()
) -> tuple[SourcedValue, ...]:
    """Every stated value of a description with its place and its sources."""
    return load_description(name_or_path, overrides).values


def load_description(
    name_or_path: str | os.PathLike[str], overrides: Overrides = ()
) -> Description:
    """Like `load_hardware`, and keeps where each value came from."""
    document = merge(read_description(name_or_path), overrides_document(overrides))
    values = tuple(_values(document))
    problems = [*document.problems, *_wrongly_free(document, values)]
    hardware = None
    if document.data:
        try:
            hardware = Hardware.model_validate(document.data)
        except ValidationError as error:
            problems += problems_of(error, document)
    if problems or hardware is None:
        raise DescriptionError(in_reading_order(problems))
    return Description(hardware, values)


def read_description(name_or_path: str | os.PathLike[str]) -> Document:
    """What a description and all that it extends say, before it is checked."""
    return _read_chain(name_or_path, Place("", "", ""), ())


def _wrongly_free(document: Document, values: tuple[SourcedValue, ...]) -> Iterator[Problem]:
    """Numbers that cite `[free]` and are not declared free, or are declared free and published."""
    section = document.data.get(FREE)
    declared = tuple(map(str, section)) if isinstance(section, dict) else ()
    for value in values:
        published = [text for text in value.sources if text != FREE]
        if value.path not in declared and FREE in value.sources and value.is_number:
            hint = nearest_name(value.path, declared)
            what = (
                f"{value.path} cites [{FREE}], but '{FREE}' does not declare it{hint}: add "
                f"'{value.path}: {{range: [lowest, highest], why: ...}}' there, or cite its source"
            )
            yield Problem(value.where, what)
        elif value.path in declared and published and value.origin != "--set":
            what = (
                f"{value.path} is declared free and cites '{published[0]}': a number is published "
                f"or free; cite [{FREE}], or take it out of '{FREE}'"
            )
            yield Problem(value.where, what)


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """`problems` without doubles, by file, line and column."""
    return sorted(set(problems), key=_reading_order)


def _reading_order(problem: Problem) -> tuple[str, int, int, str]:
    match = _PLACE.fullmatch(problem.where)
    if match is None:
        return problem.where, 0, 0, problem.what
    return match[1], int(match[2]), int(match[3]), problem.what


def _read_chain(
    name_or_path: str | os.PathLike[str], asked: Place, chain: tuple[FilePath, ...]
) -> Document:
    """The document of a file, merged over everything that it extends."""
    path = _find(name_or_path, asked, chain)
    text = read_text(path, asked.where or str(path), MAX_FILE_BYTES, "a hardware description")
    if path.resolve() in chain:
        names = " -> ".join(file.name for file in (*chain, path))
        raise DescriptionError(Problem(asked.where, f"extends itself: {names}"))
    document = read_document(text, str(path), path.name)
    base = document.data.pop("extends", None)
    place = document.places.pop(("extends",), asked)
    if base is None:
        resolve_citations(document, {})
        return document
    if not isinstance(base, str):
        what = f"extends takes the name of a preset or a path, found {base!r}"
        document.problems.append(Problem(place.where, what))
        return document
    try:
        below = _read_chain(base, place, (*chain, path.resolve()))
        inherited = below.data.get("sources")
        resolve_citations(document, inherited if isinstance(inherited, dict) else {})
    except DescriptionError as error:
        raise DescriptionError([*document.problems, *error.problems]) from None
    return merge(below, document)


def _find(
    name_or_path: str | os.PathLike[str], asked: Place, chain: tuple[FilePath, ...]
) -> FilePath:
    """A path ends in .yaml or names a folder; it is relative to the file that extends it."""
    text = os.fspath(name_or_path)
    if text.endswith((".yaml", ".yml")) or "/" in text or os.sep in text:
        return chain[-1].parent / text if chain else FilePath(text)
    names = preset_names()
    if text not in names:
        what = (
            f"no preset is called {text!r}{nearest_name(text, names)}: there are "
            f"{', '.join(names)}; a path ends in .yaml"
        )
        raise DescriptionError(Problem(asked.where, what))
    return preset_path(text)


def _values(document: Document) -> Iterator[SourcedValue]:
    def walk(data: Any, path: Path) -> Iterator[SourcedValue]:
        if isinstance(data, dict | list):
            for key, value in data.items() if isinstance(data, dict) else enumerate(data):
                yield from walk(value, (*path, key))
            return
        place = document.places[path]
        dotted = ".".join(str(part) for part in path)
        yield SourcedValue(dotted, data, place.where, place.origin, place.sources)

    for key in document.data:
        if key not in _NOT_FIGURES:
            yield from walk(lookup(document.data, (key,)), (key,))

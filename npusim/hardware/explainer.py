"""What pydantic found wrong, as problems with a place and words that say what to change."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from npusim.errors import Problem, nearest_name
from npusim.hardware.document import Document, Path
from npusim.hardware.fields import known_keys, meaning

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "string_too_short": "a text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def problems_of(error: ValidationError, document: Document, across: bool = True) -> list[Problem]:
    """Every error as a problem at the place in the file, or the option, that caused it.

    Without `across`, checks of several fields against each other are left out.
    """
    details = [one for one in error.errors() if across or one["type"] != "cross_check"]
    misspelt = {_intended(detail) for detail in details if detail["type"] == "extra_forbidden"}
    return [
        problem
        for detail in details
        if not (detail["type"] == "missing" and detail["loc"] in misspelt)
        for problem in _problems(detail, document)
    ]


def _intended(detail: ErrorDetails) -> Path:
    """The key that an unknown key is most like: that one is misspelt rather than missing."""
    *section, key = detail["loc"]
    close = difflib.get_close_matches(str(key), known_keys(tuple(section)), n=1)
    return (*section, *close)


def _problems(detail: ErrorDetails, document: Document) -> Iterator[Problem]:
    path, kind = detail["loc"], detail["type"]
    if kind == "cross_check":
        for below, message in detail.get("ctx", {})["problems"]:
            keys = below if isinstance(below, tuple) else below.split(".")
            parts = tuple(int(part) if part.isdigit() else part for part in keys)
            yield Problem(_place(document, (*path, *parts)), message)
    elif kind == "extra_forbidden":
        known = known_keys(path[:-1])
        hint = nearest_name(str(path[-1]), known)
        inside = _dotted(path[:-1]) or "a description"
        what = f"unknown key '{path[-1]}'{hint}: {inside} has {', '.join(known)}"
        yield Problem(_where(document, path, of_key=True), what)
    elif kind == "missing" and not isinstance(path[-1], int):
        inside = f" in {_dotted(path[:-1])}" if path[:-1] else ""
        what = f"key '{path[-1]}' is missing{inside}{meaning(path)}"
        yield Problem(_where(document, path[:-1], of_key=True), what)
    else:
        where = _place(document, path)
        yield Problem(where, _named(path, where) + _message(detail))


def _named(path: Path, where: str) -> str:
    """The field that a message is about, where its place does not say it already."""
    keys = path[:-1] if path[-1:] == ("[key]",) else path
    shown = _dotted(keys)
    return "" if not shown or shown in where else f"{shown}: "


def _message(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_shown(value)}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{_shown(value)} is out of range: it must be {words} {context[key]}"
    if kind == "literal_error":
        expected = str(context["expected"])
        names = [name.strip("' ") for name in expected.replace(" or ", ", ").split(",")]
        return f"{_shown(value)} is not known{nearest_name(str(value), names)}: expected {expected}"
    if kind in ("too_short", "too_long", "missing"):
        length = context.get("min_length" if kind == "too_short" else "max_length")
        words = f"at {'least' if kind == 'too_short' else 'most'} {length}" if length else "more"
        return f"expected {words} entries, found {_shown(value)}"
    return f"{detail['msg']}, found {_shown(value)}"


def _shown(value: object) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _place(document: Document, path: Path) -> str:
    """The place of a value, or of a key where the path says `[key]` at its end."""
    if path[-1:] == ("[key]",):
        return _where(document, path[:-1], of_key=True)
    return _where(document, path)


def _where(document: Document, path: Path, of_key: bool = False) -> str:
    while path and path not in document.places:
        path, of_key = path[:-1], False
    place = document.places.get(path)
    if place is None:
        return ""
    return place.key_where if of_key else place.where


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)

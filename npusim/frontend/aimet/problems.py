"""What is wrong in an encodings file, in words: the file, the entry, the field, what it should be.

Entries are named, not counted, where they have a name: a file has thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from npusim.errors import Problem

MAX_PROBLEMS = 50
"""More mistakes than these are counted, not listed."""

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "a text",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}
_SHOWN = 40


def problems_of(error: ValidationError, document: Any, path: Path) -> list[Problem]:
    """Every mistake that pydantic found in `document`, the content of the file at `path`."""
    details = error.errors(include_url=False)
    problems = [
        Problem(f"{path}: {place(document, one['loc'])}".rstrip(": "), _message(one))
        for one in details[:MAX_PROBLEMS]
    ]
    if len(details) > MAX_PROBLEMS:
        problems.append(Problem(str(path), f"and {len(details) - MAX_PROBLEMS} more mistakes"))
    return problems


def place(document: Any, keys: Sequence[int | str]) -> str:
    """`activation_encodings.conv1.scale[0]`: entries of a list by the name that they state."""
    text, found = "", document
    for key in keys:
        try:
            found = found[key]
        except (KeyError, IndexError, TypeError):
            found = None
        name = found.get("name") if isinstance(key, int) and isinstance(found, dict) else None
        if isinstance(name, str):
            text += f".{name}"
        elif isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


def _message(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is no field of an encoding"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"expected {context['expected']}, found {shown(value)}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"expected {words} {context[key]}, found {shown(value)}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {shown(value)}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, found {shown(value)}"


def shown(value: Any) -> str:
    """A value of the file as text, shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

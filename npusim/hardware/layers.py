"""Descriptions on top of each other: a file over what it extends, `--set` over both.

Mappings are merged key by key; anything else, lists and null included, replaces. A second memory
of another technology brings its own numbers: what the lower layer said of the old one is dropped.
A number that a layer states is free no more, unless the layer cites `[free]` or declares it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from npusim.errors import Problem, UsageError
from npusim.hardware.document import FREE, Document, Path, Place, read_value

Overrides = Mapping[str, object] | Sequence[str]

_OF_ONE_TECHNOLOGY = (
    ("memory", "dram", "bandwidth"),
    ("memory", "dram", "latency"),
    ("memory", "dram", "burst"),
    ("memory", "dram", "efficiency"),
    ("memory", "dram", "read_only"),
    ("technology", "energy_per_action", "dram_per_byte"),
)
TOLD_BY_TECHNOLOGY = frozenset(path[0] for path in _OF_ONE_TECHNOLOGY) | {FREE}
"""The keys below which another technology of the second memory drops something."""


def lookup(data: object, path: Path) -> Any:
    """The value at `path` below `data`, or None."""
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data


def merge(lower: Document, upper: Document) -> Document:
    """`upper` over `lower`; the places of replaced values go with them."""
    result = Document(_copied(lower.data), dict(lower.places), [*lower.problems, *upper.problems])
    technology = ("memory", "dram", "technology")
    stated = lookup(upper.data, technology)
    if stated is not None and stated != lookup(lower.data, technology):
        for path in _OF_ONE_TECHNOLOGY:
            _remove(result, path)
    for free in [free for free in _declared(lower) if _is_settled(free, lower, result, upper)]:
        _remove(result, (FREE, free))
    _merge_into(result, upper, result.data, upper.data, ())
    return result


def _declared(document: Document) -> Iterator[str]:
    free = document.data.get(FREE)
    yield from map(str, free if isinstance(free, dict) else ())


def _is_settled(path: str, lower: Document, left: Document, upper: Document) -> bool:
    """True if `upper` states, replaces or drops the free number of `lower` without a new range.

    `left` is what of `lower` is left under `upper`.
    """
    parts = tuple(path.split("."))
    if path in _declared(upper):
        return False
    if parts in upper.places:
        return upper.places[parts].sources != (FREE,)
    above = [lookup(upper.data, parts[:depth]) for depth in range(1, len(parts))]
    replaced = any(
        parts[:depth] in upper.places and not isinstance(value, dict)
        for depth, value in enumerate(above, 1)
    )
    return replaced or (lookup(lower.data, parts) is not None and lookup(left.data, parts) is None)


def _copied(data: Any) -> Any:
    return {key: _copied(value) for key, value in data.items()} if isinstance(data, dict) else data


def _remove(document: Document, path: Path) -> None:
    parent = lookup(document.data, path[:-1])
    if isinstance(parent, dict) and parent.pop(path[-1], None) is not None:
        document.places.pop(path, None)


def _merge_into(
    result: Document, upper: Document, below: dict[str, Any], above: dict[str, Any], path: Path
) -> None:
    if path in upper.places:
        result.places[path] = upper.places[path]
    for key, value in above.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge_into(result, upper, below[key], value, here)
            continue
        for old in [old for old in result.places if old[: len(here)] == here]:
            del result.places[old]
        for new, place in upper.places.items():
            if new[: len(here)] == here:
                result.places[new] = place
        below[key] = value


def overrides_document(overrides: Overrides) -> Document:
    """`path=value` texts, or a mapping of dotted paths to values, as one layer."""
    document = Document({})
    for path, value in as_pairs(overrides):
        where = f"--set {path}"
        problems: list[Problem] = []
        if isinstance(value, str):
            value, problems = read_value(value, where)
        parts = tuple(path.split("."))
        if not all(parts):
            problems.append(Problem(where, "expected a dotted path such as mac_array.rows"))
        document.problems += problems
        if not problems:
            _set(document, parts, _plain(value), Place(where, where, "--set", (where,)))
    return document


def as_pairs(overrides: Overrides) -> Iterator[tuple[str, object]]:
    """Dotted path and value (a text where it was written as one) of each override."""
    if isinstance(overrides, Mapping):
        yield from overrides.items()
        return
    if isinstance(overrides, str):
        overrides = (overrides,)
    for text in overrides:
        path, equals, value = text.partition("=")
        if not equals:
            what = "expected PATH=VALUE, for example mac_array.rows=64"
            raise UsageError(Problem(f"--set {text}", what))
        yield path.strip(), value.strip()


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _set(document: Document, parts: tuple[str, ...], value: Any, place: Place) -> None:
    data = document.data
    for depth, part in enumerate(parts[:-1]):
        below = data.setdefault(part, {})
        if not isinstance(below, dict):
            below = data[part] = {}
        document.places.setdefault(parts[: depth + 1], place)
        data = below
    data[parts[-1]] = value
    _mark(document, parts, value, place)


def _mark(document: Document, path: Path, value: Any, place: Place) -> None:
    document.places[path] = place
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _mark(document, (*path, key), item, place)

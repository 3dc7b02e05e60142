"""A bounded memory of what was found for equal keys: the one used longest ago makes room.

A design space asks for the same layers again and again with other memories around them. What does
not depend on those is found once; the bound keeps a sweep of any length in the same memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from npusim.hardware.quantities import Section

V = TypeVar("V")


class Kept(Generic[V]):
    """At most `most` values by key. A value must depend on its key alone, and nobody changes it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `key`, made if it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._values)


_TEXTS: Kept[tuple[Section, str]] = Kept(1024)
"""Sections of descriptions that were asked for; each lives as long as its text, so that no other
one can have its identity meanwhile."""


def text_of(section: Section | None, *only: str) -> str:
    """The fields of a section as JSON, or `only` some: equal where the values are. Variants of one
    description share what they do not change, so that it is written once."""
    if section is None:
        return ""

    def written() -> tuple[Section, str]:
        return section, section.model_dump_json(include=set(only) if only else None)

    return _TEXTS.get((id(section), only), written)[1]

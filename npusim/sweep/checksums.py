"""A checksum for every row of a store: what SQLite's own checks do not see.

SQLite notices pages that contradict each other, not a value that a disk or a copy has changed. So a
row is written as the values that SQLite will give back, with a CRC-32 over them (as JSON: floats by
their shortest exact digits). A row whose checksum does not fit its values is damaged.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any


def checksum(row: Sequence[Any]) -> int:
    """The CRC-32 of values as SQLite gives them: None, int, float, str."""
    return zlib.crc32(json.dumps(row, separators=(",", ":")).encode())


def is_sound(sealed: Sequence[Any]) -> bool:
    """Whether the last of the values of `sealed` is the checksum of those before it."""
    try:
        return bool(checksum(sealed[:-1]) == sealed[-1])
    except TypeError:  # damage can turn a value into bytes, which are no JSON
        return False


def sealed(row: Sequence[Any], types: Sequence[str]) -> tuple[Any, ...]:
    """`row` as columns of SQLite's `types` will give it back, and its checksum."""
    stored = tuple(_stored(value, kind) for value, kind in zip(row, types, strict=True))
    return (*stored, checksum(stored))


def _stored(value: Any, kind: str) -> Any:
    """A value as a column keeps it: no NaN, no zero with a sign, no booleans."""
    if value is None or value != value:
        return None
    if kind == "REAL":
        return float(value) + 0.0
    if kind == "INTEGER":
        return int(value)
    if isinstance(value, bool):
        value = int(value)
    return str(value)

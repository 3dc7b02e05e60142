"""The precisions of a network that people choose from, by their usual names.

`w4a16` means weights of 4 bits and activations of 16; where a name has one format, both have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from npusim.errors import Problem, UsageError, nearest_name


class Precision(NamedTuple):
    """A name, and (activation, weight) formats that go by it, the usual ones first."""

    name: str
    pairs: tuple[tuple[str, str], ...]


def _alike(name: str, fmt: str) -> Precision:
    return Precision(name, ((fmt, fmt),))


PRECISIONS = (
    _alike("fp32", "fp32"),
    _alike("fp16", "fp16"),
    _alike("bf16", "bf16"),
    _alike("int16", "int16"),
    Precision("w8a16", (("int16", "int8"), ("fp16", "int8"))),
    _alike("int8", "int8"),
    _alike("fp8", "fp8_e4m3"),
    Precision("w4a8", (("int8", "int4"),)),
    Precision("w4a16", (("int16", "int4"), ("fp16", "int4"))),
)
NAMES = tuple(one.name for one in PRECISIONS)


def chosen(names: Sequence[str]) -> tuple[Precision, ...]:
    """The precisions called `names`, in the order of `PRECISIONS`; all of them without names.

    UsageError for names that are not known.
    """
    wanted = [name.strip().lower() for name in names]
    unknown = [
        Problem(
            "--precisions", f"unknown precision '{name}'{nearest_name(name, NAMES)}: one of "
            f"{', '.join(NAMES)}",
        )
        for name in wanted
        if name not in NAMES
    ]  # fmt: skip
    if unknown:
        raise UsageError(unknown)
    return tuple(one for one in PRECISIONS if not wanted or one.name in wanted)

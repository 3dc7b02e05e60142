"""Encodings of the versions 0.5 and 0.6: maps from names to a list with an entry for each channel.

Every entry states its ends beside scale and offset: min = scale * offset, and max is 2^bits - 1
steps above it (2^bits - 2 where AIMET kept the range strictly symmetric).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from npusim.frontend.aimet.encoding import (
    LARGEST_OFFSET,
    LARGEST_SCALE,
    SMALLEST_SCALE,
    Encoding,
    Role,
    float_encoding,
    integer_encoding,
    stored_name,
    zero_points,
)

_FIELDS = ("is_symmetric", "min", "max", "offset", "scale")
"""What an entry of integers has, and one of floating-point numbers need not have."""


class Entry(BaseModel):
    """The grid of a tensor, or of one of its channels."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    dtype: Literal["int", "float"]
    bitwidth: int = Field(ge=2, le=32)
    is_symmetric: Literal["True", "False", True, False] | None = None
    min: float | None = None
    max: float | None = None
    offset: float | None = Field(default=None, ge=-LARGEST_OFFSET, le=LARGEST_OFFSET)
    scale: float | None = Field(default=None, ge=SMALLEST_SCALE, le=LARGEST_SCALE)

    @field_validator("offset")
    @classmethod
    def _is_whole(cls, offset: float | None) -> float | None:
        if offset is not None and not offset.is_integer():
            raise ValueError(f"expected a whole number, found {offset!r}")
        return offset

    @model_validator(mode="after")
    def _is_one_grid(self) -> Entry:
        if self.dtype == "float":
            return self
        missing = [name for name in _FIELDS if getattr(self, name) is None]
        if missing:
            raise ValueError(f"an encoding of integers without {', '.join(missing)}")
        assert self.scale is not None and self.min is not None and self.max is not None
        low = self.scale * self.start
        if not self._ends_at(self.min, self.start):
            raise ValueError(f"min is {self.min!r}, but scale * offset is {low!r}")
        last = self.start + 2**self.bitwidth - 1
        if not self._ends_at(self.max, last) and not self.is_strict:
            high = self.scale * last
            raise ValueError(f"max is {self.max!r}, but scale and offset make it {high!r}")
        return self

    def _ends_at(self, value: float, step: int) -> bool:
        """True if `value` is nearer to `step` than to the steps beside it."""
        assert self.scale is not None
        return abs(value / self.scale - step) < 0.5

    @property
    def start(self) -> int:
        """The offset: min in steps."""
        return int(self.offset or 0)

    @property
    def is_strict(self) -> bool:
        """True if the grid ends as far above 0 as below, with one code less."""
        assert self.max is not None
        return 2 * -self.start == 2**self.bitwidth - 2 and self._ends_at(self.max, -self.start)

    @property
    def signed(self) -> bool:
        """True for a symmetric encoding."""
        return self.is_symmetric in ("True", True)


class File(BaseModel):
    """The whole file; what it says of its making (`quantizer_args`, ...) is not needed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    activation_encodings: dict[str, list[Entry]]
    param_encodings: dict[str, list[Entry]]

    @field_validator("activation_encodings", "param_encodings")
    @classmethod
    def _channels_are_alike(cls, given: dict[str, list[Entry]]) -> dict[str, list[Entry]]:
        wrong = []
        for name, entries in given.items():
            if not entries:
                wrong.append(f"'{name}' has no entry")
            elif len({(one.dtype, one.bitwidth, one.signed) for one in entries}) > 1:
                wrong.append(f"the channels of '{name}' differ in dtype, bitwidth or is_symmetric")
        if wrong:
            raise ValueError("; ".join(wrong))
        return given

    def encodings(self, path: Path) -> Iterator[Encoding]:
        """All encodings of the file at `path`."""
        for name, entries in self.activation_encodings.items():
            yield _encoding(name, f"{path}: activation_encodings.{name}", "activation", entries)
        for name, entries in self.param_encodings.items():
            yield _encoding(name, f"{path}: param_encodings.{name}", "parameter", entries)


def _encoding(name: str, where: str, role: Role, entries: list[Entry]) -> Encoding:
    first = entries[0]
    bits, signed = first.bitwidth, first.signed
    if first.dtype == "float":
        return float_encoding(name, where, role, bits)
    strict = signed and all(entry.is_strict for entry in entries)
    zeros = zero_points(np.array([entry.start for entry in entries]), bits, signed)
    return integer_encoding(
        name, where, role, stored_name(bits, signed),
        np.array([entry.scale for entry in entries]), zeros * (not strict),
        "channel" if len(entries) > 1 else "tensor", strict=strict,
    )  # fmt: skip

"""Encodings of version 1.0: lists of entries that hold flat arrays of scales and offsets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from npusim.frontend.aimet.encoding import (
    LARGEST_OFFSET,
    LARGEST_SCALE,
    SMALLEST_SCALE,
    Encoding,
    Granularity,
    Role,
    float_encoding,
    in_blocks,
    integer_encoding,
    stored_name,
    zero_points,
)

Scale = Annotated[float, Field(ge=SMALLEST_SCALE, le=LARGEST_SCALE)]
Offset = Annotated[float, Field(ge=-LARGEST_OFFSET, le=LARGEST_OFFSET)]

_GRANULARITY: dict[str, Granularity] = {
    "PER_TENSOR": "tensor",
    "PER_CHANNEL": "channel",
    "PER_BLOCK": "block",
    "LPBQ": "block",
}


class Entry(BaseModel):
    """The grid of a tensor. LPBQ: the scale of a block is its integer times that of its channel.

    Scales of blocks are in the order of the channels, all blocks of one after the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    name: str = Field(min_length=1)
    dtype: Literal["INT", "FLOAT"]
    bw: int = Field(ge=2, le=32)
    enc_type: Literal["PER_TENSOR", "PER_CHANNEL", "PER_BLOCK", "LPBQ"]
    is_sym: bool | None = None
    scale: list[Scale] | None = None
    offset: list[Offset] | None = None
    zero_point_shift: list[float] | None = None
    block_size: int | None = Field(default=None, ge=0)
    compressed_bw: int | None = Field(default=None, ge=2, le=32)
    per_block_int_scale: list[Annotated[int, Field(ge=1, le=2**16)]] | None = None

    @field_validator("offset")
    @classmethod
    def _are_whole(cls, offset: list[float] | None) -> list[float] | None:
        broken = [one for one in offset or () if not one.is_integer()]
        if broken:
            raise ValueError(f"expected whole numbers, found {broken[0]!r}")
        return offset

    @model_validator(mode="after")
    def _fits_its_type(self) -> Entry:
        if self.dtype == "FLOAT":
            return self
        needed = ["is_sym", "scale", "offset"]
        needed += ["block_size"] * (self.enc_type in ("PER_BLOCK", "LPBQ"))
        needed += ["compressed_bw", "per_block_int_scale"] * (self.enc_type == "LPBQ")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.enc_type} of integers without {', '.join(missing)}")
        scales, offsets = len(self.scale or ()), len(self.offset or ())
        if scales != offsets or not scales:
            raise ValueError(f"has {scales} scales and {offsets} offsets")
        if self.enc_type == "PER_TENSOR" and scales != 1:
            raise ValueError(f"is PER_TENSOR with {scales} scales")
        blocks = len(self.per_block_int_scale or ())
        if self.enc_type == "LPBQ" and (not blocks or blocks % scales):
            raise ValueError(f"has {scales} scales and {blocks} integer scales of blocks")
        return self

    def encoding(self, where: str, role: Role) -> Encoding:
        """This entry, which `where` names."""
        if self.dtype == "FLOAT":
            return float_encoding(self.name, where, role, self.bw)
        signed, scale = bool(self.is_sym), np.array(self.scale)
        zeros = zero_points(np.array(self.offset), self.bw, signed)
        bits = self.bw
        if self.enc_type == "LPBQ":
            factors = np.array(self.per_block_int_scale).reshape(scale.size, -1)
            scale = in_blocks(scale[:, None], factors)
            zeros = zeros[:, None].repeat(factors.shape[1], 1).reshape(-1)
            bits = self.compressed_bw or bits
        made = integer_encoding(
            self.name, where, role, stored_name(bits, signed), scale, zeros,
            _GRANULARITY[self.enc_type], block_size=self.block_size or 0,
        )  # fmt: skip
        if any(self.zero_point_shift or ()):
            return replace(made, refusal="a zero point that is no whole number is not supported")
        return made


class File(BaseModel):
    """The whole file; what it says of its making (`quantizer_args`, ...) is not needed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    activation_encodings: list[Entry]
    param_encodings: list[Entry]

    def encodings(self, path: Path) -> Iterator[Encoding]:
        """All encodings of the file at `path`."""
        for entry in self.activation_encodings:
            yield entry.encoding(f"{path}: activation_encodings.{entry.name}", "activation")
        for entry in self.param_encodings:
            yield entry.encoding(f"{path}: param_encodings.{entry.name}", "parameter")

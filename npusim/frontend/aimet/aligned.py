"""Encodings of version 2: fields that are the inputs and attributes of ONNX's QuantizeLinear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from npusim.frontend.aimet.encoding import (
    LARGEST_OFFSET,
    LARGEST_SCALE,
    SMALLEST_SCALE,
    Encoding,
    Granularity,
    float_encoding,
    in_blocks,
    integer_encoding,
)


class Entry(BaseModel):
    """The grid of a tensor; arrays are numbers or nested lists of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    name: str = Field(min_length=1)
    output_dtype: str
    y_scale: Any = None
    y_zero_point: Any = None
    axis: int | None = None
    block_size: int | None = Field(default=None, ge=0)
    per_block_int_scale: Any = None
    per_channel_float_scale: Any = None

    @field_validator("y_scale", "per_block_int_scale", "per_channel_float_scale")
    @classmethod
    def _are_scales(cls, given: Any) -> Any:
        if given is None or isinstance(given, dict):
            return given
        scales = _numbers(given)
        if not np.all((scales >= SMALLEST_SCALE) & (scales <= LARGEST_SCALE)):
            raise ValueError("expected positive float32 numbers")
        return scales

    @field_validator("y_zero_point")
    @classmethod
    def _are_zero_points(cls, given: Any) -> Any:
        if given is None:
            return None
        zeros = _numbers(given)
        if np.any(np.abs(zeros) > LARGEST_OFFSET):
            raise ValueError(f"expected numbers of at most {LARGEST_OFFSET}")
        return zeros

    @model_validator(mode="after")
    def _has_scales(self) -> Entry:
        parts = (self.per_block_int_scale, self.per_channel_float_scale)
        if "float" in self.output_dtype or self.y_scale is not None:
            return self
        if any(not isinstance(part, np.ndarray) for part in parts):
            raise ValueError("has neither y_scale nor the two scales of LPBQ")
        try:
            np.broadcast_shapes(*(part.shape for part in parts))
        except ValueError:
            raise ValueError("has scales of blocks and channels that do not fit") from None
        return self

    def encoding(self, where: str) -> Encoding:
        """This entry, which `where` names."""
        if "float" in self.output_dtype:
            made = float_encoding(self.name, where, "any", 0)
            return replace(made, refusal=f"{self.output_dtype} is not supported")
        scale = self._scale()
        if isinstance(scale, dict):
            made = float_encoding(self.name, where, "any", 0)
            return replace(made, refusal="scales that are quantized themselves are not supported")
        zeros = np.zeros_like(scale) if self.y_zero_point is None else self.y_zero_point
        granularity: Granularity = "block" if self.block_size else "channel"
        if scale.ndim == 0 or (self.axis is None and scale.size == 1):
            granularity = "tensor"
        refusal = ""
        if np.any(zeros % 1):
            refusal = "a zero point that is no whole number is not supported"
        elif zeros.shape != scale.shape:
            refusal = f"has scales of shape {scale.shape}, zero points of {zeros.shape}"
        elif granularity != "tensor" and self.axis is None:
            refusal = "has several scales and no axis"
        made = integer_encoding(
            self.name, where, "any", self.output_dtype, np.atleast_1d(scale),
            np.atleast_1d(zeros).astype(np.int64), granularity, self.axis, self.block_size or 0,
        )  # fmt: skip
        return replace(made, refusal=refusal or made.refusal)

    def _scale(self) -> Any:
        """The scales; of LPBQ, integers of blocks times scales of channels."""
        if self.y_scale is not None:
            return self.y_scale
        product = self.per_block_int_scale * self.per_channel_float_scale
        return in_blocks(self.per_channel_float_scale, self.per_block_int_scale).reshape(
            product.shape
        )


def _numbers(given: Any) -> np.ndarray:
    """A number or nested lists of numbers as float64; ValueError for anything else."""
    try:
        found = np.array(given)
    except ValueError:
        raise ValueError("expected lists of equal lengths") from None
    if found.dtype.kind not in "iuf" or not found.size or not np.all(np.isfinite(found)):
        raise ValueError("expected a number, or lists of numbers")
    return found.astype(np.float64)


class File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    encodings_: list[Entry] = Field(alias="encodings")

    def encodings(self, path: Path) -> Iterator[Encoding]:
        """All encodings of the file at `path`."""
        for entry in self.encodings_:
            yield entry.encoding(f"{path}: encodings.{entry.name}")

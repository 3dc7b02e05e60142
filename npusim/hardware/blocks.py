"""Buffers between memory and a dot-product array: they hold blocks of inputs and of sums."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from npusim.hardware.quantities import Count, Section, SizeBytes, refuse


class Blocks(Section):
    """What the array works on at once, twice buffered: the compiler's block of outputs.

    The block is not searched with the tiles: it is the one that fetches least (`blocks.py` in
    `npusim/schedule/`), within these sizes.
    """

    rows: Count
    """Rows of the largest block of outputs, >= 1."""
    columns: Count
    """Columns of the largest block of outputs, >= 1."""
    channels: Count
    """Channels of the largest block of outputs, >= 1."""
    channel_step: Count = 1
    """Blocks that do not hold all channels have a multiple of this."""
    apart_buffers: Literal[1, 2] = 2
    """Blocks in the buffers at once where channels are not summed (depthwise layers, pooling)."""
    memory_bytes: SizeBytes | None = Field(default=None, alias="memory")
    """Bytes of a core that inputs and sums share, > 0; null: each has its own."""
    input_memory_bytes: SizeBytes | None = Field(default=None, alias="input_memory")
    """Bytes of a core for inputs, > 0; null: they share `memory`."""
    sum_memory_bytes: SizeBytes | None = Field(default=None, alias="sum_memory")
    """Bytes of a core for sums, > 0; null: they share `memory`."""
    input_granule_bytes: SizeBytes = Field(default=1, alias="input_granule")
    """Both buffers of inputs together take a multiple of this, bytes."""
    sum_granule_bytes: SizeBytes = Field(default=1, alias="sum_granule")
    """Both buffers of sums together take a multiple of this, bytes."""

    @model_validator(mode="after")
    def _shared_or_split(self) -> Blocks:
        own = (self.input_memory_bytes is None, self.sum_memory_bytes is None)
        if own != ((True, True) if self.memory_bytes is not None else (False, False)):
            raise refuse(
                ("memory", "state memory alone, which inputs and sums share, or input_memory and "
                 "sum_memory")
            )  # fmt: skip
        return self

"""What is fixed of a schedule before the search: tiles of steps, and what stays in SRAM.

`mapping.py` reads and writes these as files; `spaces.py` narrows the search to them.
"""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass, field

TILE_DIMS = ("B", "G", "K", "C", "OY", "OX")
"""The loops that tiles cut, in the order of `StepMapping.tile`."""


@dataclass(frozen=True)
class StepMapping:
    """One step: tile sizes (elements of each loop of TILE_DIMS), loop order, dataflow, core split.

    None leaves a choice to the search.
    """

    tile: tuple[int | None, ...] = (None,) * len(TILE_DIMS)
    loop_order: str | None = None
    dataflow: str | None = None
    core_split: str | None = None

    def size(self, dim: str) -> int | None:
        """The tile's size along the loop `dim`; None if it is searched."""
        return self.tile[TILE_DIMS.index(dim)]


@dataclass(frozen=True)
class Cascade:
    """Steps `first` to `last` (numbers, both included) run in stripes of `rows` output rows of the
    last one."""

    first: int
    last: int
    rows: int


SEARCHED = StepMapping()
"""A step of which nothing is fixed."""


@dataclass(frozen=True)
class Mapping:
    """A schedule, or a part of one.

    `steps` are those with something fixed, by name. `resident` names the tensors that stay in SRAM
    over their live range, `weights_stay` says whether all weights stay there across inferences,
    `cascades` which steps run in stripes; None leaves any of them to the search.
    """

    steps: collections.abc.Mapping[str, StepMapping] = field(default_factory=dict)
    resident: frozenset[str] | None = None
    weights_stay: bool | None = None
    cascades: tuple[Cascade, ...] | None = None

    def of(self, name: str) -> StepMapping:
        """What is fixed of the step `name`."""
        return self.steps.get(name, SEARCHED)


NOTHING_FIXED = Mapping()

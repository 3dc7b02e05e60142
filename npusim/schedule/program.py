"""The Program: the tiled schedule that timing counts and execution runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from npusim.cost.machine import Machine
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import LoopNest, Tile
from npusim.schedule.fixed import Cascade
from npusim.schedule.rectangles import rows_of
from npusim.schedule.tables import UNITS
from npusim.schedule.walker import walk_blocks


@dataclass(frozen=True, eq=False)
class Step:
    """One operator of the Program: its node, its loops, and where it runs.

    `pair` is the number formats (activation*weight) in which the array works on it, as the hardware
    description names them; empty off the array. A stripe of a cascade has loops over its own rows,
    which begin at output row `first_row` of the operator; `whole` is then the operator's own nest.
    Rows of a matrix product may lie as a rectangle with lines of `row_width` (0: they do not).
    """

    name: str
    node: Node
    nest: LoopNest
    unit: int
    pair: str = ""
    whole: LoopNest | None = None
    first_row: int = 0
    row_width: int = 0

    def in_operator(self, tile: Tile) -> Tile:
        """A tile of this step in the loops of its whole operator."""
        if self.row_width:
            return rows_of(tile, self.row_width)
        if self.first_row == 0:
            return tile
        return tile._replace(y0=tile.y0 + self.first_row, y1=tile.y1 + self.first_row)

    @property
    def on(self) -> str:
        """`npu` or `host`."""
        return "host" if UNITS[self.unit] == "host" else "npu"


@dataclass(frozen=True, eq=False)
class Kinds:
    """What sums over a Program need of its steps: nominal MACs, and which steps have equal prices.

    `keys` are the unit, pair of number formats and operation of the vector unit of each kind.
    `kind_of` (int64 [steps]) counts `models`, the first step of each kind. `members` (int64
    [kinds, steps]) is 1 where a step is of a kind.
    """

    macs: int
    keys: tuple[tuple[int, str, str], ...]
    kind_of: np.ndarray
    members: np.ndarray
    models: tuple[Step, ...]

    def sums(self, done: np.ndarray) -> list[list[int]]:
        """The fields of `done` (int64 records [steps]) added up, a row a kind."""
        fields = done.view(np.int64).reshape(done.size, -1)
        rows: list[list[int]] = (self.members @ fields).tolist()
        return rows


def kinds_of(steps: tuple[Step, ...]) -> Kinds:
    """The kinds of `steps`."""
    numbers: dict[tuple[int, str, str], int] = {}
    models: list[Step] = []
    kind_of = np.zeros(len(steps), np.int64)
    for at, step in enumerate(steps):
        key = step.unit, step.pair, step.nest.rate
        if key not in numbers:
            numbers[key] = len(models)
            models.append(step)
        kind_of[at] = numbers[key]
    members = (kind_of == np.arange(len(models))[:, None]).astype(np.int64)
    macs = sum(step.nest.macs for step in steps)
    return Kinds(macs, tuple(numbers), kind_of, members, tuple(models))


@dataclass(frozen=True)
class Placement:
    """A tensor's place in SRAM over the steps first..last, both included."""

    offset_bytes: int
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in order, as objects (`steps`) and as the tables that compiled code reads.

    `kinds` are those of `steps`. `placements` says which tensors stay in SRAM; `pinned_bytes` of
    weights stay there across inferences; `sram_peak_bytes` is the most that any step uses.
    `buffer_bytes` int64 [steps] is what the tiles of each step take, `early_bytes` int64 [steps]
    the weights of the next step that come during it. `cascades` count the nodes of the graph.
    """

    graph: Graph
    hardware: Hardware
    machine: Machine
    steps: tuple[Step, ...]
    kinds: Kinds
    table: np.ndarray
    operands: np.ndarray
    tensors: tuple[str, ...]
    placements: Mapping[str, Placement]
    pinned_bytes: int
    sram_peak_bytes: int
    buffer_bytes: np.ndarray
    early_bytes: np.ndarray
    cascades: tuple[Cascade, ...] = ()

    @property
    def preloaded_bytes(self) -> int:
        """What the first inference has to bring to SRAM: weights that stay there, and states."""
        states = {state.read for state in self.graph.states}
        staying = (self.placements[name] for name in states if name in self.placements)
        return self.pinned_bytes + sum(place.size_bytes for place in staying)

    def jobs(self) -> Iterator[np.ndarray]:
        """The job records, a block at a time; see `walker.walk_blocks`."""
        return walk_blocks(self.table, self.operands)

"""Places in SRAM as arrays, and the first fit that finds them.

Each tensor gets the lowest address that is free over its whole range of steps, if that leaves every
step in the range the room that its tiles need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from npusim.jit import allocating, compiled
from npusim.schedule.program import Placement
from npusim.schedule.tables import RESIDENT

NOWHERE = -1
"""The offset of a tensor that has no place."""


class Spans(NamedTuple):
    """Tensors that may stay: names, and int64 [n, 4] of their numbers among the roots of a
    Lowered, first and last step, and bytes."""

    names: tuple[str, ...]
    rows: np.ndarray


NUMBER, FIRST, LAST, SIZE = range(4)


class Placements(Mapping[str, Placement]):
    """Places by name; those of `spans` whose offset (int64 [n]) is not NOWHERE.

    Most Programs are never asked for single places, so these are made when somebody asks.
    """

    def __init__(self, spans: Spans, offsets: np.ndarray) -> None:
        self.spans, self.offsets = spans, offsets
        self._places: dict[str, Placement] | None = None

    def _named(self) -> dict[str, Placement]:
        if self._places is None:
            rows = zip(
                self.spans.names, self.spans.rows.tolist(), self.offsets.tolist(), strict=True
            )
            self._places = {
                name: Placement(offset, size, first, last)
                for name, (_, first, last, size), offset in rows
                if offset >= 0
            }
        return self._places

    def __getitem__(self, name: str) -> Placement:
        return self._named()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __len__(self) -> int:
        return int((self.offsets >= 0).sum())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Placements) and other.spans is self.spans:
            return bool((self.offsets == other.offsets).all())
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


def no_placements() -> Placements:
    """Nothing stays."""
    return Placements(Spans((), np.zeros((0, 4), np.int64)), np.zeros(0, np.int64))


def as_placements(placed: Mapping[str, Placement], tensors: tuple[str, ...]) -> Placements:
    """`placed` in arrays; `tensors` are the roots of the Lowered that it is for."""
    if isinstance(placed, Placements):
        return placed
    number = {name: at for at, name in enumerate(tensors)}
    rows = [(number[name], p.first, p.last, p.size_bytes) for name, p in placed.items()]
    spans = Spans(tuple(placed), np.array(rows, np.int64).reshape(len(rows), 4))
    return Placements(spans, np.array([p.offset_bytes for p in placed.values()], np.int64))


@allocating
def first_fit(rows: np.ndarray, order: np.ndarray, rooms: np.ndarray, offsets: np.ndarray) -> None:
    """Set `offsets` (int64 [n]) of the tensors that `order` names, one after the other, where they
    fit.

    `rows` are those of `Spans`, `rooms` int64 [steps] is what tensors may take of SRAM in each
    step. Tensors that have a place keep it.
    """
    placed = np.zeros(offsets.size, np.int64)  # by offset
    count = 0
    for tensor in range(offsets.size):
        if offsets[tensor] >= 0:
            _insert(placed, count, offsets, tensor)
            count += 1
    for tensor in order:
        first, last, size = rows[tensor, FIRST], rows[tensor, LAST], rows[tensor, SIZE]
        offset = 0
        for at in range(count):
            other = placed[at]
            if rows[other, FIRST] > last or first > rows[other, LAST]:
                continue
            if offset + size <= offsets[other]:
                break
            offset = max(offset, offsets[other] + rows[other, SIZE])
        fits = True
        for step in range(first, last + 1):
            fits &= offset + size <= rooms[step]
        if fits:
            offsets[tensor] = offset
            _insert(placed, count, offsets, tensor)
            count += 1


@compiled
def _insert(placed: np.ndarray, count: int, offsets: np.ndarray, tensor: int) -> None:
    """Add `tensor` to the `count` tensors in `placed`, which are in the order of their offsets."""
    at = count
    while at > 0 and offsets[placed[at - 1]] > offsets[tensor]:
        placed[at] = placed[at - 1]
        at -= 1
    placed[at] = tensor


@allocating
def settle(
    rows: np.ndarray, offsets: np.ndarray, tensors: int, operands: np.ndarray, top: np.ndarray
) -> None:
    """Make RESIDENT the `operands` that are among the placed tensors (of `tensors` in all); `top`
    (int64 [steps], zeros) gets for each step the end of the highest tensor that is live in it."""
    stays = np.zeros(tensors, np.bool_)
    for tensor in range(offsets.size):
        if offsets[tensor] >= 0:
            stays[rows[tensor, NUMBER]] = True
            end = offsets[tensor] + rows[tensor, SIZE]
            for step in range(rows[tensor, FIRST], rows[tensor, LAST] + 1):
                top[step] = max(top[step], end)
    for at in range(operands.size):
        if stays[operands[at]["tensor"]]:
            operands[at]["stream"] = RESIDENT

"""Where the cases of the self-check come from: a source of choices, random or a test's own.

The generators of cases ask a `Draw` for every choice. `RandomDraw` takes them from a seed; property
tests have one that takes them from their framework, so both use the same generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

T = TypeVar("T")

EIGHT_BIT = (np.int8, np.uint8)
ORDERS = ("C", "F", "reversed", "padded")
"""Layouts of an array in memory; see `as_view`."""


class Draw(Protocol):
    """A source of choices."""

    def integer(self, low: int, high: int) -> int:
        """An integer, both bounds included."""

    def number(self, low: float, high: float) -> float:
        """A float64, both bounds included."""

    def choice(self, values: Sequence[T]) -> T:
        """One of `values`."""


class RandomDraw:
    """Choices by a generator of random numbers: the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """See `Draw`."""
        return int(self._rng.integers(low, high, endpoint=True))

    def number(self, low: float, high: float) -> float:
        """See `Draw`."""
        return float(self._rng.uniform(low, high))

    def choice(self, values: Sequence[T]) -> T:
        """See `Draw`."""
        return values[self.integer(0, len(values) - 1)]


def generator(draw: Draw) -> np.random.Generator:
    """A generator of random numbers for what is too much to choose one by one."""
    return np.random.default_rng(draw.integer(0, 2**32 - 1))


def array(draw: Draw, dtype: Any, shape: tuple[int, ...], order: str | None = None) -> np.ndarray:
    """An integer array: random, or of extreme values only; contiguous or one of several views."""
    info = np.iinfo(dtype)
    rng = generator(draw)
    values = rng.integers(info.min, info.max, shape, np.int64, endpoint=True)
    if draw.choice((False, True)):
        values = np.where(rng.integers(0, 2, shape) == 1, info.min, info.max)
    return as_view(values.astype(dtype), order or draw.choice(ORDERS))


def output(draw: Draw, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Memory for an output, contiguous or not."""
    return as_view(np.zeros(shape, dtype), draw.choice(ORDERS))


def as_view(values: np.ndarray, order: str) -> np.ndarray:
    """The same values in another memory layout; writing to the result is allowed."""
    if order == "F":
        return np.asfortranarray(values)
    if order == "reversed":
        return values[..., ::-1].copy()[..., ::-1]
    if order == "padded":
        larger = np.zeros(tuple(extent + 2 for extent in values.shape), values.dtype)
        view = larger[tuple(slice(1, -1) for _ in values.shape)]
        view[...] = values
        return view
    return np.ascontiguousarray(values)


def bounds(draw: Draw, extent: int) -> tuple[int, int]:
    """Half-open bounds in 0..extent: the whole, or any part, the empty one included."""
    if draw.choice((True, False)):
        return 0, extent
    ends = draw.integer(0, extent), draw.integer(0, extent)
    return min(ends), max(ends)


def full_range(dtype: Any) -> tuple[int, int]:
    """Lowest and highest value of an integer type."""
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)

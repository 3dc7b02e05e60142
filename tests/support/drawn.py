"""The choices of `npusim.doctor`'s generators, made by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

from npusim.doctor.draws import Draw

T = TypeVar("T")


class Drawn:
    """A `Draw` that hypothesis can shrink."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """See `Draw`."""
        return self._draw(st.integers(low, high))

    def number(self, low: float, high: float) -> float:
        """See `Draw`."""
        return self._draw(st.floats(low, high))

    def choice(self, values: Sequence[T]) -> T:
        """See `Draw`."""
        return self._draw(st.sampled_from(values))


def cases_of(make: Callable[[Draw], T]) -> st.SearchStrategy[T]:
    """The cases that `make` generates."""

    @st.composite
    def strategy(draw: st.DrawFn) -> T:
        return make(Drawn(draw))

    return strategy()

"""Which points of a space are looked at: all, a random part, or a Latin hypercube.

A point is its number in the grid, the last axis counting fastest. Nothing here grows with the
number of points: a random order is a permutation that is computed, not stored. It is a Feistel
network of four rounds over the next power of four, walked on until it lands below the size (Black
and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

_ROUNDS = 4


class Shuffle:
    """A permutation of range(size) that follows from `seed`; O(1) in time and memory."""

    def __init__(self, size: int, seed: str) -> None:
        self._size = size
        self._half = max(1, ((size - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half) - 1
        self._seed = seed.encode()

    def __call__(self, index: int) -> int:
        while True:
            left, right = index >> self._half, index & self._mask
            for turn in range(_ROUNDS):
                left, right = right, left ^ self._mixed(turn, right)
            index = left << self._half | right
            if index < self._size:
                return index

    def _mixed(self, turn: int, value: int) -> int:
        digest = hashlib.blake2b(b"%d %d" % (turn, value), digest_size=8, key=self._seed[:64])
        return int.from_bytes(digest.digest(), "big") & self._mask


def grid(lengths: Sequence[int]) -> Iterator[int]:
    """Every number of the grid of `lengths` values an axis, in order."""
    return iter(range(_size(lengths)))


def random(lengths: Sequence[int], seed: int) -> Iterator[int]:
    """Every number of the grid once, in an order that follows from `seed`."""
    size = _size(lengths)
    shuffle = Shuffle(size, f"random {seed}")
    return (shuffle(index) for index in range(size))


def latin_hypercube(lengths: Sequence[int], seed: int, count: int) -> Iterator[int]:
    """`count` numbers such that on each axis every value is taken equally often, but for one.

    Axes are shuffled apart from each other (McKay, Beckman, Conover, Technometrics 1979). A number
    may come twice where `count` is not small against the grid.
    """
    shuffles = [Shuffle(count, f"axis {axis} {seed}") for axis in range(len(lengths))]
    for index in range(count):
        number = 0
        for length, shuffle in zip(lengths, shuffles, strict=True):
            number = number * length + shuffle(index) * length // count
        yield number


def _size(lengths: Sequence[int]) -> int:
    size = 1
    for length in lengths:
        size *= length
    return size

"""Synthetic weights: the same bytes for the same layer name, on any machine, made when first read.

The stream is PCG64's raw output, which numpy promises not to change, seeded with SHA-256 of a key.
Integers are uniform over -127..127 (-128 becomes -127), so their standard deviation is known.
"""

from __future__ import annotations

import hashlib
from math import prod, sqrt

import numpy as np

from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8, Format
from npusim.numerics.quantization import Quantization

LARGEST = 127
_SQUARES = 2 * sum(n * n for n in range(LARGEST + 1)) + LARGEST * LARGEST
STD = sqrt(_SQUARES / 256)
"""Standard deviation of the integers: 256 equally likely bytes, of which two mean -127."""

_BYTES_PER_WORD = 8


def integers(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """int8 of `shape`, uniform over -127..127, from the stream of `key`."""
    count = prod(shape)
    words = _words(key, -(-count // _BYTES_PER_WORD))
    drawn = words.astype("<u8", copy=False).view(np.int8)[:count]
    return np.maximum(drawn, -LARGEST).reshape(shape)


def uniform(key: str, count: int) -> np.ndarray:
    """float64 [count] in [-1, 1), from the stream of `key`."""
    fractions: np.ndarray = (_words(key, count) >> 11) * 2.0**-52 - 1.0
    return fractions


def _words(key: str, count: int) -> np.ndarray:
    digest = hashlib.sha256(key.encode()).digest()
    stream = np.random.PCG64(int.from_bytes(digest[:16], "little"))
    return np.asarray(stream.random_raw(count), np.uint64)


class SyntheticTensor(Tensor):
    """A constant int8 tensor whose data are drawn from `key` when they are first read.

    Counting never reads them, so a network of 100 million weights is loaded in no time. A copy made
    with `dataclasses.replace` holds its data as any other tensor does.
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        format: Format = INT8,
        quantization: Quantization | None = None,
        data: np.ndarray | None = None,
        channel_axis: int = -1,
        zeros: float | None = None,
        key: str = "",
    ) -> None:
        fields = {
            "name": name, "shape": shape, "format": format, "quantization": quantization,
            "channel_axis": channel_axis, "zeros": zeros, "_key": key, "_drawn": data,
        }  # fmt: skip
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    @property
    def is_constant(self) -> bool:
        """Always; the data need not be there to know."""
        return True

    @property
    def data(self) -> np.ndarray:
        """int8 of the tensor's shape."""
        if self.__dict__["_drawn"] is None:
            object.__setattr__(self, "_drawn", integers(self.__dict__["_key"], self.shape))
        drawn: np.ndarray = self.__dict__["_drawn"]
        return drawn

    def __getstate__(self) -> dict[str, object]:
        """Without the data, which the receiver draws again; a copy that has no key keeps them."""
        return {**self.__dict__, "_drawn": None} if self.__dict__["_key"] else dict(self.__dict__)

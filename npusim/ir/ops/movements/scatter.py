"""Scatters: x with some elements replaced by updates, or joined with them, where indices say.

Inputs: x; indices, integers, constant or computed, negative ones from the end; updates. All of one
format whose values mean themselves: reals, integers without a scale, truth values. Output: the
shape of x. Updates of one place are joined in their order; without a reduction the last one stays.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.movements.gather import checked_indices
from npusim.ir.ops.movements.movement import data_of
from npusim.ir.ops.pairs.broadcast import is_plain, require_number
from npusim.ir.ops.vector import NO_SPLITS, copying_nest
from npusim.ir.ops.whole import WholeKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile

Place = tuple[np.ndarray, ...]
"""For each leading axis of x the indices of all updates."""

JOINS: dict[str, Any] = {
    "none": None, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum,
}  # fmt: skip
"""How an update joins what is there, by ONNX's name; `none` replaces it."""


@dataclass(frozen=True)
class Scatter(Operator):
    """Attributes: how updates join what is there, a key of `JOINS`."""

    reduction: str = "none"

    quantizable: ClassVar[bool] = False

    @abstractmethod
    def check(self, x: Tensor, indices: Tensor, updates: Tensor) -> None:
        """ValueError if the shapes do not fit."""

    @abstractmethod
    def places(self, shape: tuple[int, ...], indices: np.ndarray) -> Place:
        """Where in x of `shape` the updates go."""

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x."""
        x, indices, updates = data_of(self, inputs), *inputs[1:3]
        if indices is None or updates is None or not indices.format.is_integer:
            raise ValueError("a scatter needs integer indices, and updates")
        if self.reduction not in JOINS:
            raise ValueError(f"reduction '{self.reduction}' is not one of {', '.join(JOINS)}")
        self.check(x, indices, updates)
        return [x.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One copy an output element, whole: an update may go anywhere."""
        return copying_nest(inputs, outputs, "copy", splits=NO_SPLITS)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The same under every profile."""
        x, updates, out = inputs[0], inputs[2], outputs[0]
        assert x is not None and updates is not None
        formats = {x.format, updates.format, out.format}
        if len(formats) > 1 or not all(is_plain(tensor) for tensor in (x, updates, out)):
            what = f"{self.kind} of tensors with scales, or of two formats, is not supported"
            raise UnsupportedModelError(Problem(out.name, what))
        if self.reduction != "none":
            require_number(self, out)
        return WholeKernel(self._scattered, out.channel_axis)

    def _scattered(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        x, indices, updates = inputs
        scattered = x.copy()
        places, join = self.places(x.shape, indices), JOINS[self.reduction]
        if join is None:
            scattered[places] = updates
        else:
            with np.errstate(all="ignore"):
                join.at(scattered, places, updates)
        return scattered


@dataclass(frozen=True)
class ScatterElements(Scatter):
    """Each update has an index of its own along `axis`, and its own place along the others."""

    axis: int = 0

    kind: ClassVar[str] = "scatter_elements"

    def check(self, x: Tensor, indices: Tensor, updates: Tensor) -> None:
        """Indices and updates have one shape, of the rank of x, and fit beside the axis."""
        rank = len(x.shape)
        if not -rank <= self.axis < rank:
            raise ValueError(f"axis {self.axis} is outside rank {rank}")
        fits = indices.shape == updates.shape and len(indices.shape) == rank
        if not fits or any(
            n > extent
            for at, (n, extent) in enumerate(zip(indices.shape, x.shape, strict=True))
            if at != self.axis % rank
        ):
            raise ValueError(
                f"indices {list(indices.shape)} and updates {list(updates.shape)} do not fit shape "
                f"{list(x.shape)}"
            )

    def places(self, shape: tuple[int, ...], indices: np.ndarray) -> Place:
        """See `Scatter`."""
        axis = self.axis % len(shape)
        own = np.meshgrid(*(np.arange(n) for n in indices.shape), indexing="ij", sparse=True)
        return (*own[:axis], checked_indices(self, indices, shape[axis]), *own[axis + 1 :])


@dataclass(frozen=True)
class ScatterND(Scatter):
    """Each vector of indices names an element of the leading axes of x, or a slice."""

    kind: ClassVar[str] = "scatter_nd"

    def check(self, x: Tensor, indices: Tensor, updates: Tensor) -> None:
        """Updates have the axes of indices but the last, then those of x that none names."""
        named = indices.shape[-1] if indices.shape else 0
        wanted = (*indices.shape[:-1], *x.shape[named:])
        if not 1 <= named <= len(x.shape) or updates.shape != wanted:
            raise ValueError(
                f"indices {list(indices.shape)} and updates {list(updates.shape)} do not fit shape "
                f"{list(x.shape)}"
            )

    def places(self, shape: tuple[int, ...], indices: np.ndarray) -> Place:
        """See `Scatter`."""
        named = range(indices.shape[-1])
        return tuple(checked_indices(self, indices[..., at], shape[at]) for at in named)

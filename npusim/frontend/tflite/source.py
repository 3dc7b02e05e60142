"""What a TFLite operator's function reads: options, tensors, activation, padding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npusim.ir.operator import Operator
from npusim.ir.tensor import Tensor
from npusim.numerics.quantization import Activation

Inputs = tuple[Tensor | None, ...]


@dataclass(frozen=True, eq=False)
class Step:
    """One operator of several that stand for a node of the file, with its tensors.

    An output is one of the node's own, or a tensor that `Source.between` made.
    """

    op: Operator
    inputs: Inputs
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Known:
    """A node whose outputs are known without running it: an array for each."""

    values: tuple[np.ndarray, ...]


Imported = tuple[Operator, Inputs] | list[Step] | Known
"""An operator that makes all the node's outputs, a chain of operators, or constants."""
Import = Callable[["Source"], Imported]

_SAME, _VALID = 0, 1
_ACTIVATIONS = {
    0: Activation.NONE, 1: Activation.RELU, 2: Activation.RELU_N1_TO_1, 3: Activation.RELU6,
}  # fmt: skip


class UnsupportedNodeError(Exception):
    """A sound node outside what is supported; the text says why."""


@dataclass(frozen=True, eq=False)
class Source:
    """One node of the file: its options by field name, its tensors (None where absent).

    `computed` are the names of constants that the file does not hold, but computes from others.
    """

    options: Mapping[str, Any]
    inputs: Inputs
    outputs: Sequence[Tensor]
    computed: Collection[str] = ()

    def input(self, index: int) -> Tensor:
        """Input `index`, which must be there."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise ValueError(f"input {index} is absent")
        return tensor

    def step(self, op: Operator, inputs: Inputs, output: int = 0) -> Step:
        """A step that writes output `output` of the node."""
        return Step(op, inputs, (self.outputs[output],))

    def between(self, op: Operator, inputs: Inputs, like: Tensor, number: int = 0) -> Step:
        """A step that writes a tensor of its own, of the format and scale of `like`.

        `number` tells the tensors of one node apart.
        """
        (shape,) = op.infer_shapes(inputs)
        name = f"{self.outputs[0].name}:{op.kind}_{number}"
        return Step(op, inputs, (replace(like, name=name, shape=shape, data=None),))

    def optional(self, index: int) -> Tensor | None:
        """Input `index`, or None."""
        return self.inputs[index] if index < len(self.inputs) else None

    def constant(self, index: int) -> np.ndarray:
        """The data of input `index`, which must be a constant."""
        tensor = self.input(index)
        if tensor.data is None:
            raise UnsupportedNodeError(f"'{tensor.name}' must be a constant")
        return tensor.data

    def integers(self, index: int) -> list[int]:
        """The numbers of input `index`, a constant: axes, extents, places."""
        values = self.constant(index)
        if values.dtype.kind not in "iu":
            raise ValueError(f"input {index} is {values.dtype.name}, not integer")
        return [int(value) for value in values.reshape(-1)]

    def pairs(self, index: int, count: int) -> list[tuple[int, int]]:
        """The constant [count, 2] of input `index`: amounts before and after."""
        values = self.constant(index)
        if values.shape != (count, 2):
            raise ValueError(f"amounts of shape {values.shape} for {count} axes")
        return [(int(before), int(after)) for before, after in values]

    def activation(self) -> Activation:
        """The fused activation."""
        code = self.options.get("FusedActivationFunction", 0)
        if code not in _ACTIVATIONS:
            raise UnsupportedNodeError(f"fused activation {code} is not supported")
        return _ACTIVATIONS[code]

    def positive(self, name: str, default: int = 1) -> int:
        """An option that counts something: at least 1."""
        value = int(self.options.get(name, default))
        if value < 1:
            raise ValueError(f"{name} is {value}")
        return value

    def stride(self) -> tuple[int, int]:
        """(y, x)."""
        return self.positive("StrideH"), self.positive("StrideW")

    def padding(
        self, x: Tensor, taps: tuple[int, ...], dilation: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of the SAME or VALID padding."""
        scheme = self.options.get("Padding", _SAME)
        if scheme == _VALID:
            return 0, 0, 0, 0
        if scheme != _SAME:
            raise ValueError(f"padding scheme {scheme}")
        pairs = []
        for extent, tap, stride, step in zip(x.shape[1:3], taps, self.stride(), dilation,
                                             strict=True):  # fmt: skip
            needed = (-(-extent // stride) - 1) * stride + (tap - 1) * step + 1
            total = max(needed - extent, 0)
            pairs.append((total // 2, total - total // 2))
        (top, bottom), (left, right) = pairs
        return top, left, bottom, right


def image(tensor: Tensor) -> Tensor:
    """`tensor`, which must have rank 4."""
    if len(tensor.shape) != 4:
        raise ValueError(f"'{tensor.name}' has rank {len(tensor.shape)}, not 4")
    return tensor

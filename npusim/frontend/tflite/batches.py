"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND as the movements that they are made of.

Blocks of pixels become samples of the batch: a padding, then a transpose of the axes split into
blocks; and back: the transpose, then a slice. Reshapes between them are views.
"""

from __future__ import annotations

from math import prod

from npusim.frontend.tflite.source import Source, Step
from npusim.ir.operator import Operator
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.tensor import Tensor


def space_to_batch(source: Source) -> list[Step]:
    """SPACE_TO_BATCH_ND: block (dy, dx) of sample b is sample (dy * width + dx) * batch + b."""
    x, blocks, amounts = _operands(source)
    count = len(blocks)
    chain = _Chain(source, x)
    rest = len(x.shape) - 1 - count
    if any(amount for pair in amounts for amount in pair):
        chain.add(Pad(((0, 0), *amounts, *((0, 0),) * rest)))
    batch, *extents = chain.last.shape
    spatial, others = extents[:count], extents[count:]
    if any(extent % block for extent, block in zip(spatial, blocks, strict=True)):
        raise ValueError(f"blocks of {blocks} do not fit {spatial} pixels")
    split = [part for e, n in zip(spatial, blocks, strict=True) for part in (e // n, n)]
    chain.add(Reshape((batch, *split, *others)))
    inner = range(2 * count + 1, 2 * count + 1 + rest)
    chain.add(Transpose((*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2), *inner)))
    return chain.ended(Reshape((batch * prod(blocks), *split[::2], *others)))


def batch_to_space(source: Source) -> list[Step]:
    """BATCH_TO_SPACE_ND: the reverse, with rows and columns cropped."""
    x, blocks, amounts = _operands(source)
    count = len(blocks)
    chain = _Chain(source, x)
    batch, *extents = x.shape
    if batch % prod(blocks):
        raise ValueError(f"blocks of {blocks} do not fit a batch of {batch}")
    spatial, others = extents[:count], extents[count:]
    left = batch // prod(blocks)
    chain.add(Reshape((*blocks, left, *extents)))
    order = [count]
    for axis in range(count):
        order += [count + 1 + axis, axis]
    chain.add(Transpose((*order, *range(2 * count + 1, 2 * count + 1 + len(others)))))
    whole = [extent * block for extent, block in zip(spatial, blocks, strict=True)]
    joined = Reshape((left, *whole, *others))
    if not any(amount for pair in amounts for amount in pair):
        return chain.ended(joined)
    chain.add(joined)
    begin = (None, *(before for before, _ in amounts), *(None for _ in others))
    ends = (extent - after for extent, (_, after) in zip(whole, amounts, strict=True))
    end = (None, *ends, *(None for _ in others))
    return chain.ended(StridedSlice(begin, end, (1,) * len(begin)))


class _Chain:
    """Steps that each read what the one before wrote."""

    def __init__(self, source: Source, x: Tensor) -> None:
        self.source = source
        self.last = x
        self.steps: list[Step] = []

    def add(self, op: Operator) -> None:
        """One more step, into a tensor of its own."""
        step = self.source.between(op, (self.last,), self.last, len(self.steps))
        self.steps.append(step)
        self.last = step.outputs[0]

    def ended(self, op: Operator) -> list[Step]:
        """All steps, the last of which writes the node's output."""
        return [*self.steps, self.source.step(op, (self.last,))]


def _operands(source: Source) -> tuple[Tensor, list[int], list[tuple[int, int]]]:
    """The images, the sides of the blocks, and the amounts before and after along each axis."""
    x, blocks = source.input(0), source.integers(1)
    if not 1 <= len(blocks) < len(x.shape) or min(blocks) < 1:
        raise ValueError(f"blocks of {blocks} for shape {x.shape}")
    amounts = source.pairs(2, len(blocks))
    if any(amount < 0 for pair in amounts for amount in pair):
        raise ValueError(f"amounts {amounts}")
    return x, blocks, amounts

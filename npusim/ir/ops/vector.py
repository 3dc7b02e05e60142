"""What the vector unit's operators share: their loop nest, and tiles of canonical arrays.

A tile of a vector operator bounds its canonical output [B, OY, OX, K] (`channels_last`); the loop
nest says in `splits` which of these loops may be cut, the others are always whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import gcd, prod
from typing import Any

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape, channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import INT8, INT16, UINT8, UINT16
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Quantization
from npusim.numerics.rescale import RESCALE_PARAMETERS

PIXEL_DIMS = ("B", "OY", "OX", "K")
ALL_SPLITS = frozenset(PIXEL_DIMS)
NO_SPLITS: frozenset[str] = frozenset()
QUANTIZED = (INT8, UINT8, INT16, UINT16)
"""Formats of quantized tensors; what a profile says of each is checked where it is looked up."""


def part(canonical: np.ndarray, tile: Tile) -> np.ndarray:
    """The view of `tile` in an array [B, OY, OX, K]."""
    rows = slice(tile.b0, tile.b1), slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
    return canonical[(*rows, slice(tile.k0, tile.k1))]


def vector_nest(
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    rate: str,
    *,
    taps: tuple[int, int] = (1, 1),
    splits: frozenset[str] = ALL_SPLITS,
    whole_inputs: bool = False,
    unit: Unit = Unit.VECTOR,
) -> LoopNest:
    """Loop nest of an operator that makes each output element from `taps` input elements.

    Inputs that broadcast are walked by the loops in which they have an extent of their own;
    `whole_inputs` says that every loop walks them (their shape is not that of the output).
    """
    out = outputs[0]
    b, oy, ox, k = canonical_shape(out.shape, out.channel_axis)
    operands = []
    for tensor in inputs:
        if tensor is None:
            continue
        role = "weight" if tensor.is_constant else "input"
        dims = ALL_SPLITS if whole_inputs else _walked(tensor, out)
        if taps != (1, 1):
            dims |= {"FY", "FX"}
        operands.append(Operand(tensor.name, role, tensor.format.bits, dims))
    operands.append(Operand(out.name, "output", out.format.bits, ALL_SPLITS))
    return LoopNest(
        unit, (b, 1, k, 1, oy, ox, *taps), tuple(operands),
        rate=rate, vector_ops=0 if unit is Unit.ALIAS else out.size * prod(taps), splits=splits,
        keeps_rows=not whole_inputs and taps == (1, 1),
    )  # fmt: skip


def share_of_output(tensor: Tensor, out: Tensor) -> tuple[int, int]:
    """The part of the elements of `out` that `tensor` has, all of them at most."""
    if out.size == 0:
        return 1, 1
    size = min(tensor.size, out.size)
    divisor = gcd(size, out.size)
    return size // divisor, out.size // divisor


def copying_nest(
    inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], rate: str,
    splits: frozenset[str] = ALL_SPLITS, unit: Unit = Unit.VECTOR,
) -> LoopNest:  # fmt: skip
    """Loop nest of an operator whose output elements each come from one input element.

    Where inputs have fewer elements than the output, a tile reads its share of each: values repeat,
    or come from one input here and from another there.
    """
    nest = vector_nest(inputs, outputs, rate, splits=splits, whole_inputs=True, unit=unit)
    given = [tensor for tensor in inputs if tensor is not None]
    shared = [
        replace(operand, share=share_of_output(tensor, outputs[0]))
        for operand, tensor in zip(nest.operands, given, strict=False)
    ]
    return replace(nest, operands=(*shared, nest.operands[-1]))


def _walked(tensor: Tensor, out: Tensor) -> frozenset[str]:
    """The loops of `out` that move through `tensor`, which broadcasts against it."""
    missing = len(out.shape) - len(tensor.shape)
    padded = (1,) * missing + tensor.shape
    own = canonical_shape(padded, out.channel_axis)
    whole = canonical_shape(out.shape, out.channel_axis)
    pairs = zip(PIXEL_DIMS, own, whole, strict=True)
    return frozenset(dim for dim, extent, full in pairs if extent > 1 or full == 1)


@dataclass(frozen=True, eq=False)
class ElementwiseKernel:
    """A `VectorKernel` that calls `function(*inputs, out, parameters)` on equal-shaped tiles."""

    function: Callable[..., None]
    parameters: Any
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        out = outputs[0]
        arrays = [
            part(channels_last(np.broadcast_to(x, out.shape), self.channel_axis), tile)
            for x in inputs
        ]
        self.function(*arrays, part(channels_last(out, self.channel_axis), tile), self.parameters)


@dataclass(frozen=True, eq=False)
class TailKernel:
    """`body` for the elements below `start` in memory order, `tail` for the others.

    TFLite's compiled kernels round whole vectors otherwise than the elements that are left over.
    """

    body: ElementwiseKernel
    tail: ElementwiseKernel
    start: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        out = outputs[0]
        self.body.compute(inputs, outputs, tile)
        others = np.empty_like(out)
        self.tail.compute(inputs, [others], tile)
        in_memory = channels_last(out, self.body.channel_axis)
        order = np.arange(out.size).reshape(in_memory.shape)
        is_tail = part(order, tile) >= self.start
        other = part(channels_last(others, self.body.channel_axis), tile)
        np.copyto(part(in_memory, tile), other, where=is_tail)


@dataclass(frozen=True, eq=False)
class RescaledKernel:
    """A `VectorKernel` whose result, in another scale, is then brought to the output's scale."""

    kernel: VectorKernel
    rescale: ElementwiseKernel

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        out = outputs[0]
        between = np.empty_like(out)
        self.kernel.compute(inputs, [between], tile)
        self.rescale.compute([between], outputs, tile)


def rescaled(
    kernel: VectorKernel, given: Quantization, out: Tensor, clamp: tuple[int, int],
    profile: Profile, kernels: Kernels,
) -> VectorKernel:  # fmt: skip
    """`kernel`, which writes integers of quantization `given`, for an output of another one.

    This is what a converter writes for a framework whose operator can't rescale: the operator, then
    a requantization in the profile's arithmetic.
    """
    assert out.quantization is not None
    if given.same_as(out.quantization):
        return kernel
    arithmetic = profile.arithmetic("requantize", out.format.name)
    parameters = RESCALE_PARAMETERS[arithmetic](given, out.quantization, clamp)
    function = kernels.get(f"rescale_{arithmetic}")
    return RescaledKernel(kernel, ElementwiseKernel(function, parameters, out.channel_axis))


def quantized(op: Operator, tensor: Tensor | None) -> Quantization:
    """The per-tensor quantization of integers of 8 or 16 bits; UnsupportedModelError otherwise."""
    assert tensor is not None
    quantization = tensor.quantization
    if tensor.format not in QUANTIZED or quantization is None:
        what = (
            f"{op.kind} needs quantized tensors of 8 or 16 bits, "
            f"'{tensor.name}' is {tensor.format.name}"
        )
        raise UnsupportedModelError(Problem(tensor.name, what))
    if not quantization.is_per_tensor or quantization.zero_point.size != 1:
        what = f"{op.kind} needs one scale for the whole of '{tensor.name}'"
        raise UnsupportedModelError(Problem(tensor.name, what))
    return quantization


def require_one_width(op: Operator, *tensors: Tensor) -> None:
    """Refuse quantized tensors of 8 and of 16 bits together: only a requantization takes both."""
    if len({tensor.format.bits for tensor in tensors}) > 1:
        found = ", ".join(f"'{tensor.name}' is {tensor.format.name}" for tensor in tensors)
        what = f"{op.kind} needs tensors of one width: {found}"
        raise UnsupportedModelError(Problem(tensors[-1].name, what))


def require_same_quantization(op: Operator, x: Tensor, y: Tensor) -> None:
    """Refuse an operator that only moves or compares values but changes their scale or format."""
    same = x.quantization is None and y.quantization is None
    if x.quantization is not None:
        same = x.quantization.same_as(y.quantization)
    if x.format != y.format or not same:
        what = f"{op.kind} keeps values, but '{x.name}' and '{y.name}' are quantized differently"
        raise UnsupportedModelError(Problem(y.name, what))

"""What quantization and dequantization share where one scale for the tensor is not enough.

The scales and zero points are spread to the shape of the tensor, and a tile takes its part of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator
from npusim.ir.ops.vector import ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import BOOL, FP8_E4M3, FP8_E5M2, Format
from npusim.numerics.quantization import Quantization
from npusim.numerics.scaled import Scaling

FLOATS = (FP8_E4M3, FP8_E5M2)
"""Floating-point formats that tensors are quantized to."""


@dataclass(frozen=True, eq=False)
class ScaledKernel:
    """A `VectorKernel` that calls `kernel` with x, its scales and its zero points."""

    kernel: ElementwiseKernel
    scale: np.ndarray
    zero: np.ndarray

    @staticmethod
    def bind(
        name: str, out: Tensor, quantization: Quantization, scaling: Scaling, kernels: Kernels
    ) -> ScaledKernel:
        """The kernel called `name` for an output `out`."""
        function = ElementwiseKernel(kernels.get(name), scaling, out.channel_axis)
        scale, zero = quantization.spread(out.shape)
        return ScaledKernel(function, scale, zero.astype(np.int32))

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        self.kernel.compute([inputs[0], self.scale, self.zero], outputs, tile)


def require_quantization(op: Operator, tensor: Tensor) -> Quantization:
    """The quantization of integers or 8-bit floats; UnsupportedModelError for other tensors."""
    quantization = tensor.quantization
    if quantization is None or not is_stored(tensor.format):
        what = f"{op.kind} needs a quantized tensor, '{tensor.name}' is {tensor.format.name}"
        raise UnsupportedModelError(Problem(tensor.name, what))
    if tensor.format in FLOATS and np.any(quantization.zero_point):
        what = f"'{tensor.name}' is {tensor.format.name} with a zero point that is not 0"
        raise UnsupportedModelError(Problem(tensor.name, what))
    return quantization


def is_stored(fmt: Format) -> bool:
    """True for a format that holds quantized numbers."""
    is_number = fmt.is_integer and fmt != BOOL
    return fmt in FLOATS or (is_number and fmt.bits <= 32)

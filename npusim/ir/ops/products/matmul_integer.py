"""Product of stored integers and a constant matrix into int32; see `integer_sums.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.operator import ArrayKernel
from npusim.ir.ops.products.fully_connected import ONE_PIXEL, FullyConnected
from npusim.ir.ops.products.integer_sums import check_zeros, integer_sums
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class MatMulInteger(FullyConnected):
    """Rows of x times a matrix, as a fully connected layer."""

    kind: ClassVar[str] = "matmul_integer"
    quantizable: ClassVar[bool] = False

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """As a fully connected layer."""
        check_zeros(self, inputs)
        return super().infer_shapes(inputs)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel:  # fmt: skip
        """The same sums under every profile."""
        return integer_sums(self, inputs, outputs[0], ONE_PIXEL, kernels)

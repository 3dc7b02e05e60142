"""What sums, products, quotients and the like share: one number from two, with broadcasting.

Inputs: a, b whose shapes broadcast: int8, uint8 or int16, each with its own scale, or float32, or
integers that mean themselves (index arithmetic); a float32 constant may stand beside a quantized
tensor.
Output: the same format; the real result, requantized if it has a scale, clamped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.pairs.broadcast import Broadcast, is_plain, require_format, require_number
from npusim.ir.ops.through_float import through_float
from npusim.ir.ops.vector import ElementwiseKernel, quantized, require_one_width
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.pairs import FUNCTIONS, PlainPair, StoredPair, always, real_pair
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, Quantization, clamp_range

Clamp = tuple[int, int]


@dataclass(frozen=True)
class Pairwise(Broadcast):
    """Attributes: the activation of the output. `kind` names the function of two elements."""

    activation: Activation = Activation.NONE

    real_constants: ClassVar[bool] = True
    kernel: ClassVar[str] = ""
    """Beginning of the names of the kernels in integers; `kind` if empty."""
    parameters: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """Parameters of each arithmetic in integers, from the quantization of a, b and output, and
    the clamp. Besides these every kind knows `through_float` and `stored`."""
    is_usual: ClassVar[Callable[..., bool]] = staticmethod(always)
    """False for scales of a, b and output that have a row of their own: `<kind>_other`."""

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The operation in the arithmetic of `profile`."""
        a, b = inputs
        assert a is not None and b is not None
        out = outputs[0]
        if is_plain(out):
            require_number(self, out)
            require_format(self, a, out.format, out)
            require_format(self, b, out.format, out)
            return self._plain(out, kernels)
        if is_plain(a) != is_plain(b):
            return self._beside_a_real(a, b, out, profile, kernels)
        qa, qb, qy = (quantized(self, tensor) for tensor in (a, b, out))
        kind = self.kind if self.is_usual(qa, qb, qy) else f"{self.kind}_other"
        require_one_width(self, a, b, out)
        clamp = clamp_range(self.activation, out.format, qy, profile.clamp(kind, out.format.name))
        is_clamped = clamp != (out.format.low, out.format.high) and out.format.bits == 8
        arithmetic = profile.arithmetic(kind, "clamped" if is_clamped else out.format.name)
        name, parameters = self._quantized(arithmetic, qa, qb, qy, clamp)
        return ElementwiseKernel(kernels.get(name), parameters, out.channel_axis)

    def _plain(self, out: Tensor, kernels: Kernels) -> VectorKernel:
        plain = PlainPair(FUNCTIONS[self.kind], *self.activation.value)
        return ElementwiseKernel(kernels.get("pair_plain"), plain, out.channel_axis)

    def _beside_a_real(
        self, a: Tensor, b: Tensor, out: Tensor, profile: Profile, kernels: Kernels
    ) -> VectorKernel:
        """One side is float32: the other is dequantized, the result quantized."""
        require_format(self, a if is_plain(a) else b, FP32, out)
        return through_float(self, self._plain(out, kernels), (a, b), out, profile, kernels)

    def _quantized(
        self, arithmetic: str, a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
    ) -> tuple[str, Any]:
        """Name and parameters of the kernel on 8 bits."""
        if arithmetic == "through_float":
            return "pair_through_float", real_pair(self.kind, a, b, y, clamp)
        if arithmetic == "stored":
            return "pair_stored", StoredPair(FUNCTIONS[self.kind], *clamp)
        parameters = self.parameters[arithmetic](a, b, y, clamp)
        return f"{self.kernel or self.kind}_{arithmetic}", parameters

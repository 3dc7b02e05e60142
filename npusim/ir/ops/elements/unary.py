"""What all functions of one element share: a table of all results on integers, else a function.

Input: x int8, uint8, int16 or float32, any rank. Output: the same shape; on integers a scale of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.vector import ElementwiseKernel, quantized, require_one_width
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32, INT8
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Quantization
from npusim.numerics.unary import FLOAT32, RealFunction, float_function, unary_parameters


@dataclass(frozen=True)
class Unary(SameShape):
    """Base of the functions of one element; the fields of a subclass are its attributes.

    `kind` names the function in `npusim/numerics/functions.py`.
    """

    rate: ClassVar[str] = "lut"
    """A look into the table, as a rule."""
    own: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """Arithmetics in integers that only this function has: `parameters(qx, qy, clamp, *fields)` of
    the kernel `<kind>_<arithmetic>`. All other arithmetics fill a table from float32."""

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The function in the arithmetic of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        named = profile.arithmetic(self.kind, x.format.name)
        if named == FLOAT32:
            library = profile.arithmetic(self.kind, INT8.name)
            return on_floats(self, float_function(self.kind, astuple(self), library), out, kernels)
        qx, qy = quantized(self, x), quantized(self, out)
        require_one_width(self, x, out)
        arithmetic = self.chosen(named, qx, qy)
        clamp = (out.format.low, out.format.high)
        fields = astuple(self)
        if arithmetic in self.own:
            parameters: Any = self.own[arithmetic](qx, qy, clamp, *fields)
            function = kernels.get(f"{self.kind}_{arithmetic}")
        else:
            parameters = unary_parameters(arithmetic, self.kind, fields, qx, qy, clamp)
            function = kernels.get(f"unary_{arithmetic}")
        return ElementwiseKernel(function, parameters, out.channel_axis)

    def chosen(self, arithmetic: str, x: Quantization, y: Quantization) -> str:
        """The arithmetic that a framework takes for these scales where it means `arithmetic`."""
        return arithmetic


def on_floats(op: Operator, function: RealFunction, out: Tensor, kernels: Kernels) -> VectorKernel:
    """`function` from float32 to float32 for the operator `op`."""
    if out.format != FP32:
        what = f"{op.kind} of float32 gives float32, '{out.name}' is {out.format.name}"
        raise UnsupportedModelError(Problem(out.name, what))
    return ElementwiseKernel(kernels.get("unary_float32"), function, out.channel_axis)

"""The non-linear functions of the built-in networks: what they compute, and where.

A clamp rides on the drain of the operator before it, as any NPU has it. The hard sigmoid, a clamp
of x / 6 + 1/2 to 0..1, does so too: the factor and the offset belong to the weights and the bias,
and an int8 output of scale 1/255 and zero point -128 ends at 0 and 1 of itself. All others are
operators of their own, behind the one that makes their input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from npusim.ir.operator import Operator
from npusim.ir.ops.elements.gelu import Gelu
from npusim.ir.ops.elements.hard_swish import HardSwish
from npusim.ir.ops.elements.quick_gelu import QuickGelu
from npusim.ir.ops.elements.tanh import Tanh
from npusim.models.moments import Function
from npusim.numerics.quantization import Activation, Quantization


@dataclass(frozen=True)
class Nonlinearity:
    """`function` on real values; `clamp` is what the drain does, `table` what a further node does.

    `scale` is the scale of the table's output where a framework fixes it. `gain` and `offset` are
    the standard deviation and the mean that the sums before it are given: chosen so that the
    function is used over its range.
    """

    name: str
    function: Function
    clamp: Activation = Activation.NONE
    table: Operator | None = None
    scale: Quantization | None = None
    gain: float = 1.0
    offset: float = 0.0


def _identity(values: np.ndarray) -> np.ndarray:
    return values


def _between(low: float, high: float | None) -> Callable[[np.ndarray], np.ndarray]:
    def clamp(values: np.ndarray) -> np.ndarray:
        clamped: np.ndarray = np.clip(values, low, high)
        return clamped

    return clamp


def _hard_swish(values: np.ndarray) -> np.ndarray:
    swished: np.ndarray = values * np.clip(values + 3.0, 0.0, 6.0) / 6.0
    return swished


def _logistic(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1.0 / (1.0 + np.exp(-values))
    return result


def _silu(values: np.ndarray) -> np.ndarray:
    swished: np.ndarray = values * _logistic(values)
    return swished


def _gelu(values: np.ndarray) -> np.ndarray:
    integral = np.array([0.5 * (1.0 + erf(value / sqrt(2.0))) for value in values])
    result: np.ndarray = values * integral
    return result


NONE = Nonlinearity("none", _identity)
RELU = Nonlinearity("relu", _between(0.0, None), Activation.RELU)
RELU6 = Nonlinearity("relu6", _between(0.0, 6.0), Activation.RELU6, gain=2.0)
HARD_SIGMOID = Nonlinearity("hard_sigmoid", _between(0.0, 1.0), gain=1 / 3, offset=0.5)

HARD_SWISH = Nonlinearity("hard_swish", _hard_swish, table=HardSwish(), gain=2.0)
GELU = Nonlinearity("gelu", _gelu, table=Gelu())
TANH = Nonlinearity("tanh", np.tanh, table=Tanh(), scale=Quantization.per_tensor(1 / 128))
SILU = Nonlinearity("silu", _silu, table=QuickGelu(1.0), gain=2.0)
"""x times its logistic function, one table: on 8 bits compilers fold the product into it."""


def scaled(std: float) -> Nonlinearity:
    """No function, but sums of this standard deviation."""
    return Nonlinearity("none", _identity, gain=std)

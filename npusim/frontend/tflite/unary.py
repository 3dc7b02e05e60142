"""TFLite operators of one tensor that work element by element: activations, roots, casts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from npusim.frontend.tflite.source import Import, Inputs, Source
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.abs import Abs
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.ceil import Ceil
from npusim.ir.ops.elements.elu import Elu
from npusim.ir.ops.elements.exp import Exp
from npusim.ir.ops.elements.floor import Floor
from npusim.ir.ops.elements.gelu import Gelu
from npusim.ir.ops.elements.hard_swish import HardSwish
from npusim.ir.ops.elements.leaky_relu import LeakyRelu
from npusim.ir.ops.elements.log import Log
from npusim.ir.ops.elements.logistic import Logistic
from npusim.ir.ops.elements.neg import Neg
from npusim.ir.ops.elements.round import Round
from npusim.ir.ops.elements.rsqrt import Rsqrt
from npusim.ir.ops.elements.sqrt import Sqrt
from npusim.ir.ops.elements.square import Square
from npusim.ir.ops.elements.tanh import Tanh
from npusim.ir.ops.pairs.prelu import PRelu


def _plain(make: Callable[[], Operator]) -> Import:
    """An operator without attributes."""

    def take(source: Source) -> tuple[Operator, Inputs]:
        return make(), (source.input(0),)

    return take


def _cast(source: Source) -> tuple[Operator, Inputs]:
    return Cast(source.outputs[0].format.name), (source.input(0),)


def _gelu(source: Source) -> tuple[Operator, Inputs]:
    return Gelu(bool(source.options.get("Approximate", False))), (source.input(0),)


def _leaky_relu(source: Source) -> tuple[Operator, Inputs]:
    alpha = float(source.options.get("Alpha", 0.0))
    if not np.isfinite(alpha):
        raise ValueError(f"alpha is {alpha}")
    return LeakyRelu(alpha), (source.input(0),)


def _prelu(source: Source) -> tuple[Operator, Inputs]:
    return PRelu(), (source.input(0), source.input(1))


IMPORTS: Mapping[str, Import] = {
    "ABS": _plain(Abs),
    "CAST": _cast,
    "CEIL": _plain(Ceil),
    "ELU": _plain(Elu),
    "EXP": _plain(Exp),
    "FLOOR": _plain(Floor),
    "GELU": _gelu,
    "HARD_SWISH": _plain(HardSwish),
    "LEAKY_RELU": _leaky_relu,
    "LOG": _plain(Log),
    "LOGISTIC": _plain(Logistic),
    "NEG": _plain(Neg),
    "PRELU": _prelu,
    "ROUND": _plain(Round),
    "RSQRT": _plain(Rsqrt),
    "SQRT": _plain(Sqrt),
    "SQUARE": _plain(Square),
    "TANH": _plain(Tanh),
}

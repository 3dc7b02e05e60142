"""Parameters of a function of one element: the float32 function between two quantizations.

A function on 8 bits has 256 cases, so frameworks and compilers make it a table. `RealFunction` says
how the table is filled; the kernels `unary_<arithmetic>` in `npusim/kernels/reference/` state how
the reals are rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from npusim.numerics.functions import C_LIBRARY, XNNPACK
from npusim.numerics.onnx_functions import ONNX_RUNTIME
from npusim.numerics.quantization import Quantization
from npusim.numerics.wide_tables import WIDE_FUNCTIONS, WideTable, wide_table

Clamp = tuple[int, int]


class RealFunction(NamedTuple):
    """y = function(x_scale * (x - x_zero), *attributes), stored as y / y_scale + y_zero."""

    function: Callable[..., np.ndarray]
    attributes: tuple[Any, ...]
    x_scale: np.float32
    x_zero: int
    y_scale: np.float32
    y_zero: int
    low: int
    high: int


TABLE_513 = "table_513"
"""TFLite's arithmetic of 16 bits: a table that is interpolated."""

FLOAT32 = "float32"
"""The arithmetic of a function between float32 tensors."""

FUNCTIONS: Mapping[str, Mapping[str, Callable[..., np.ndarray]]] = {
    "onnx": ONNX_RUNTIME,
    "lookup": C_LIBRARY,
    "rint_lookup": XNNPACK,
    "truncated_lookup": C_LIBRARY,
    "table_513": WIDE_FUNCTIONS,
}
"""Whose functions fill the table in each arithmetic."""


def unary_parameters(
    arithmetic: str, kind: str, attributes: tuple[Any, ...], x: Quantization, y: Quantization,
    clamp: Clamp,
) -> RealFunction | WideTable:  # fmt: skip
    """What the kernel `unary_<arithmetic>` takes for the function `kind`."""
    if arithmetic == TABLE_513:
        return wide_table(kind, attributes, x, y)
    return real_function(arithmetic, kind, attributes, x, y, clamp)


def real_function(
    arithmetic: str, kind: str, attributes: tuple[Any, ...], x: Quantization, y: Quantization,
    clamp: Clamp,
) -> RealFunction:  # fmt: skip
    """The function `kind` from quantization x to y."""
    function = FUNCTIONS[arithmetic][kind]
    scales = x.scalar_scale, x.scalar_zero_point, y.scalar_scale, y.scalar_zero_point
    return RealFunction(function, attributes, *scales, *clamp)


def float_function(kind: str, attributes: tuple[Any, ...], arithmetic: str) -> RealFunction:
    """The function `kind` from float32 to float32; its scales are not used.

    `arithmetic` is that of 8 bits: whoever fills tables computes on float32, too.
    """
    one = np.float32(1.0)
    function = FUNCTIONS.get(arithmetic, C_LIBRARY)[kind]
    return RealFunction(function, attributes, one, 0, one, 0, 0, 0)

"""Element-wise operators on 8-bit values as tables: every case, computed once by the reference.

One 8-bit input has 256 cases, two have 65,536. So a fast version of any such operator, in any
arithmetic, is a lookup, and equals the reference by construction. Cases are indexed by the stored
byte (int8 -1 is 255).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT, require_writable

Array = np.ndarray
Kernel = Callable[..., Any]

PAIR_KERNELS = (
    "add_", "compare_", "div_", "mul_", "pair_stored", "pair_through_float", "prelu_", "squared_",
)  # fmt: skip
"""Beginnings of the names of kernels of the form f(a, b, out, parameters)."""
SINGLE_KERNELS = (
    "abs_", "dequantize_", "hard_swish_", "leaky_relu_", "neg_", "rescale_", "rsqrt_", "unary_",
)  # fmt: skip
"""Beginnings of the names of kernels of the form f(x, out, parameters)."""

TABLES_KEPT = 256
"""Tables in memory at most; the largest have 64 KiB."""

_BYTES = np.arange(256, dtype=np.uint8)


@functools.lru_cache(TABLES_KEPT)
def pair_table(kernel: Kernel, a: np.dtype, b: np.dtype, out: np.dtype, parameters: Any) -> Array:
    """Results [256, 256] of type `out` of `kernel` for all bytes of a and of b."""
    left, right = np.broadcast_arrays(_BYTES.view(a)[:, None], _BYTES.view(b)[None, :])
    table = np.empty((256, 256), out)
    kernel(left, right, table, parameters)
    return table


@functools.lru_cache(TABLES_KEPT)
def single_table(kernel: Kernel, x: np.dtype, out: np.dtype, parameters: Any) -> Array:
    """Results [256] of type `out` of `kernel` for all bytes of x."""
    table = np.empty(256, out)
    kernel(_BYTES.view(x), table, parameters)
    return table


Lookup = Callable[[tuple[Array, ...], Array, Array], None]
"""(inputs, table, out): out = table[input] or table[a, b], element by element."""


def lookup_kernels(reference: Mapping[str, Kernel], lookup: Lookup) -> dict[str, Kernel]:
    """The element-wise kernels of `reference`, each computed by `lookup` in its table."""
    found: dict[str, Kernel] = {}
    for name, kernel in reference.items():
        if name.endswith("_float32"):
            continue
        if name.startswith(PAIR_KERNELS):
            found[name] = functools.partial(_pairs, kernel, lookup)
        elif name.startswith(SINGLE_KERNELS):
            found[name] = functools.partial(_singles, kernel, lookup)
    return found


def _pairs(kernel: Kernel, lookup: Lookup, a: Array, b: Array, out: Array, parameters: Any) -> None:
    _require_same_shape((a, b), out)
    table = pair_table(kernel, a.dtype, b.dtype, out.dtype, parameters)
    if out.dtype == np.bool_:
        table, out = table.view(np.uint8), out.view(np.uint8)
    lookup((a, b), table, out)


def _singles(kernel: Kernel, lookup: Lookup, x: Array, out: Array, parameters: Any) -> None:
    _require_same_shape((x,), out)
    table = single_table(kernel, x.dtype, out.dtype, parameters)
    lookup((x,), table, out)


def _require_same_shape(inputs: tuple[Array, ...], out: Array) -> None:
    for array in inputs:
        if array.dtype not in EIGHT_BIT:
            raise ValueError(f"inputs must be int8 or uint8, not {array.dtype}")
        if array.shape != out.shape:
            raise ValueError(f"shapes {array.shape} and {out.shape} differ")
    require_writable("out", out)

"""Element-wise operators on integers as tables: every case, computed once by the reference.

One 8-bit input has 256 cases, two have 65,536, and so has one 16-bit input. So a fast version of
any such operator, in any arithmetic, is a lookup, and equals the reference by construction. Cases
are indexed by the stored byte or word (int8 -1 is 255). Two 16-bit inputs have too many cases: the
reference computes them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT, require_writable
from npusim.kernels.widths import narrow

Array = np.ndarray
Kernel = Callable[..., Any]

PAIR_KERNELS = (
    "add_", "compare_", "div_", "mul_", "pair_stored", "pair_through_float", "prelu_", "squared_",
)  # fmt: skip
"""Beginnings of the names of kernels of the form f(a, b, out, parameters)."""
SINGLE_KERNELS = (
    "abs_", "dequantize_", "hard_swish_", "leaky_relu_", "logistic_", "neg_", "rescale_", "rsqrt_",
    "tanh_", "unary_",
)  # fmt: skip
"""Beginnings of the names of kernels of the form f(x, out, parameters)."""

TABULATED = (*EIGHT_BIT, np.dtype(np.int16), np.dtype(np.uint16))
"""Types of inputs that have tables."""

TABLES_KEPT = 256
"""Tables in memory at most; the largest have 64 KiB."""

WIDE_TABLES_KEPT = 16
"""Of 16-bit inputs; the largest have 256 KiB."""

_BYTES = np.arange(256, dtype=np.uint8)
_WORDS = np.arange(1 << 16, dtype=np.uint16)


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


@functools.lru_cache(WIDE_TABLES_KEPT)
def wide_table(kernel: Kernel, x: np.dtype, out: np.dtype, parameters: Any) -> Array:
    """Results [65536] of type `out` of `kernel` for all words of x."""
    table = np.empty(_WORDS.size, out)
    kernel(_WORDS.view(x), table, parameters)
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
    if not (narrow(a) and narrow(b) and narrow(out)):
        kernel(a, b, out, parameters)
        return
    table = pair_table(kernel, a.dtype, b.dtype, out.dtype, parameters)
    if out.dtype == np.bool_:
        table, out = table.view(np.uint8), out.view(np.uint8)
    lookup((a, b), table, out)


def _singles(kernel: Kernel, lookup: Lookup, x: Array, out: Array, parameters: Any) -> None:
    _require_same_shape((x,), out)
    if not narrow(x):
        table = wide_table(kernel, x.dtype, out.dtype, parameters)
        out[...] = table[np.ascontiguousarray(x).view(np.uint16).reshape(x.shape)]
        return
    if not narrow(out):
        kernel(x, out, parameters)
        return
    table = single_table(kernel, x.dtype, out.dtype, parameters)
    lookup((x,), table, out)


def _require_same_shape(inputs: tuple[Array, ...], out: Array) -> None:
    for array in inputs:
        if array.dtype not in TABULATED:
            raise ValueError(f"inputs must be integers of 8 or 16 bits, not {array.dtype}")
        if array.shape != out.shape:
            raise ValueError(f"shapes {array.shape} and {out.shape} differ")
    require_writable("out", out)

"""Kernels whose fast version takes 8-bit arrays only: wider ones go to the reference."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT

Kernel = Callable[..., Any]


def narrow(array: object) -> bool:
    """False for an array of integers of more than 8 bits."""
    is_integer = isinstance(array, np.ndarray) and array.dtype.kind in "iu"
    return not is_integer or array.dtype in EIGHT_BIT  # type: ignore[attr-defined]


def by_width(
    fast: Mapping[str, Kernel], reference: Mapping[str, Kernel], operands: int = 2
) -> dict[str, Kernel]:
    """`fast` where the first `operands` arrays have 8 bits, else what `reference` defines."""
    return {name: _by_width(kernel, reference[name], operands) for name, kernel in fast.items()}


def _by_width(fast: Kernel, reference: Kernel, operands: int) -> Kernel:
    @functools.wraps(fast)
    def kernel(*arguments: Any) -> Any:
        chosen = fast if all(map(narrow, arguments[:operands])) else reference
        return chosen(*arguments)

    return kernel

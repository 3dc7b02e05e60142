"""Arguments of kernels of one or two elements, as the operators that use them make them.

Every function of one element and of two, in the arithmetic of every profile: whichever kernel and
parameters the operator binds are the case. An operator that is added is found by itself.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from importlib import import_module
from inspect import isabstract
from typing import Any

import numpy as np

from npusim.doctor.draws import Draw, array, full_range, output
from npusim.doctor.vector_cases import VectorCase, extents, quantization
from npusim.errors import UnsupportedModelError
from npusim.ir import ops
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.unary import Unary
from npusim.ir.ops.pairs.compare import Compare
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.ir.ops.vector import ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels, kernels
from npusim.numerics.formats import BOOL, INT8, INT16, UINT8, Format
from npusim.numerics.pairs import COMPARISONS
from npusim.numerics.profiles import PROFILES, Profile
from npusim.numerics.quantization import Quantization

FORMATS = {np.dtype(each.dtype).name: each for each in (INT8, UINT8, INT16)}
FRACTION, FIXED_POINT = 2.0**-15, 2.0**-12
"""Scales of int16 that functions take for fixed-point numbers: below 1, and below 8."""

Scales = tuple[Quantization, Quantization, Quantization]
"""Of a, b and the output."""
_FIXED: Scales = (
    Quantization.per_tensor(FIXED_POINT, 0),
    Quantization.per_tensor(FIXED_POINT, 0),
    Quantization.per_tensor(FRACTION, 0),
)


@functools.cache
def operators() -> tuple[Operator, ...]:
    """One of each operator of one or two elements that needs no attributes; all comparisons."""
    for module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        import_module(module.name)
    found = [kind() for frame in (Unary, Pairwise) for kind in _kinds(frame)]
    return (*found, *(Compare(relation) for relation in COMPARISONS))


def _kinds(frame: type[Any]) -> Iterator[type[Any]]:
    """The subclasses of `frame` that can be made without attributes, by name."""
    for kind in sorted(frame.__subclasses__(), key=lambda one: one.__name__):
        free = all(
            field.default is not MISSING or field.default_factory is not MISSING
            for field in fields(kind)
        )
        if free and hasattr(kind, "kind") and not isabstract(kind):
            yield kind
        yield from _kinds(kind)


def operator_cases(draw: Draw) -> Iterator[VectorCase]:
    """One case of each operator under each profile and format that has integer kernels for it."""
    for profile in PROFILES.values():
        for op in operators():
            for fmt in FORMATS.values():
                scales = scales_of(draw, np.dtype(fmt.dtype).type)
                for each in (scales, _FIXED) if fmt is INT16 else (scales,):
                    case = operator_case(draw, op, profile, fmt, each)
                    if case is not None:
                        yield case


def operator_case(
    draw: Draw, op: Operator, profile: Profile, fmt: Format, scales: Scales
) -> VectorCase | None:
    """Random arguments; None if the operator has no integer kernel for these tensors."""
    shape, two = extents(draw, 4), not isinstance(op, Unary)
    a, b, y = scales
    inputs = [Tensor("a", shape, fmt, a), Tensor("b", shape, fmt, b)][: 1 + two]
    out = Tensor("y", shape, fmt, y)
    if isinstance(op, Compare):
        out = Tensor("y", shape, BOOL, None)
    named = _named_kernels()
    try:
        bound = op.bind(inputs, [out], profile, named)
    except UnsupportedModelError:
        return None
    if not isinstance(bound, ElementwiseKernel):
        return None
    name = next(name for name, kernel in named.table.items() if kernel is bound.function)
    arrays = tuple(array(draw, np.dtype(fmt.dtype).type, shape) for _ in inputs)
    return VectorCase(name, arrays, output(draw, out.format.dtype, shape), (bound.parameters,))


@functools.cache
def _named_kernels() -> Kernels:
    """The reference with a function of its own for each name: some names share a kernel."""
    reference = kernels("reference")
    return replace(
        reference,
        table={name: functools.partial(kernel) for name, kernel in reference.table.items()},
    )


def scales_of(draw: Draw, dtype: Any) -> Scales:
    """Quantization of a, b and output: unrelated, or one for all as some functions ask for.

    That of int16 is symmetric.
    """
    if dtype == np.int16:
        a, b, y = (Quantization.per_tensor(draw.number(1e-5, 1e-2), 0) for _ in range(3))
        return a, b, draw.choice((a, y, _FIXED[2]))
    x = quantization(draw, dtype)
    if draw.choice((True, False)):
        zero = 0 if full_range(dtype)[0] < 0 else x.scalar_zero_point
        same = Quantization.per_tensor(float(x.scalar_scale), zero)
        return same, same, same
    return x, quantization(draw, dtype), quantization(draw, dtype)

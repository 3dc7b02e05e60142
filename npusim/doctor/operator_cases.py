"""Arguments of kernels of one or two elements, as the operators that use them make them.

Every function of one element and of two, in the arithmetic of every profile: whichever kernel and
parameters the operator binds are the case. An operator that is added is found by itself.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from inspect import isabstract
from typing import Any

import numpy as np

from npusim.doctor.draws import EIGHT_BIT, Draw, array, full_range, output
from npusim.doctor.vector_cases import VectorCase, extents, quantization
from npusim.errors import UnsupportedModelError
from npusim.ir import ops
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.unary import Unary
from npusim.ir.ops.pairs.compare import Compare
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.ir.ops.vector import ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import kernels
from npusim.numerics.formats import BOOL, INT8, UINT8
from npusim.numerics.pairs import COMPARISONS
from npusim.numerics.profiles import PROFILES, Profile
from npusim.numerics.quantization import Quantization

FORMATS = {INT8.dtype: INT8, UINT8.dtype: UINT8}


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
            for dtype in EIGHT_BIT:
                case = operator_case(draw, op, profile, dtype)
                if case is not None:
                    yield case


def operator_case(draw: Draw, op: Operator, profile: Profile, dtype: Any) -> VectorCase | None:
    """Random arguments; None if the operator has no integer kernel for these tensors."""
    fmt, shape = FORMATS[np.dtype(dtype).name], extents(draw, 4)
    two = not isinstance(op, Unary)
    a, b, y = _scales(draw, dtype)
    inputs = [Tensor("a", shape, fmt, a), Tensor("b", shape, fmt, b)][: 1 + two]
    out = Tensor("y", shape, fmt, y)
    if isinstance(op, Compare):
        out = Tensor("y", shape, BOOL, None)
    reference = kernels("reference")
    try:
        bound = op.bind(inputs, [out], profile, reference)
    except UnsupportedModelError:
        return None
    if not isinstance(bound, ElementwiseKernel):
        return None
    name = next(name for name, kernel in reference.table.items() if kernel is bound.function)
    arrays = tuple(array(draw, dtype, shape) for _ in inputs)
    return VectorCase(name, arrays, output(draw, out.format.dtype, shape), (bound.parameters,))


def _scales(draw: Draw, dtype: Any) -> tuple[Quantization, Quantization, Quantization]:
    """Quantization of a, b and output: unrelated, or one for all as some functions ask for."""
    x = quantization(draw, dtype)
    if draw.choice((True, False)):
        zero = 0 if full_range(dtype)[0] < 0 else x.scalar_zero_point
        same = Quantization.per_tensor(float(x.scalar_scale), zero)
        return same, same, same
    return x, quantization(draw, dtype), quantization(draw, dtype)

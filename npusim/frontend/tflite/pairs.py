"""TFLite operators of two tensors that broadcast: arithmetic, comparisons, selection."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npusim.frontend.tflite.source import Import, Inputs, Source, UnsupportedNodeError
from npusim.ir.operator import Operator
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.compare import Compare
from npusim.ir.ops.pairs.div import Div
from npusim.ir.ops.pairs.floor_div import FloorDiv
from npusim.ir.ops.pairs.maximum import Maximum
from npusim.ir.ops.pairs.minimum import Minimum
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.ir.ops.pairs.pow import Pow
from npusim.ir.ops.pairs.select import Select
from npusim.ir.ops.pairs.squared_difference import SquaredDifference
from npusim.ir.ops.pairs.sub import Sub
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import BOOL, INT16
from npusim.numerics.sigmoid_table import power_of_two


def _pair(kind: type[Pairwise]) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        return kind(source.activation()), _operands(source, source.outputs[0])

    return take


def _sum(kind: type[Pairwise]) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        tensors = (*_operands(source, source.outputs[0]), source.outputs[0])
        if source.options.get("PotScaleInt16", True) and all(map(_is_fixed_point, tensors)):
            raise UnsupportedNodeError(
                "a sum of int16 as fixed-point numbers (option pot_scale_int16, all scales powers "
                "of two) is not supported"
            )
        return kind(source.activation()), tensors[:2]

    return take


def _is_fixed_point(x: Tensor | None) -> bool:
    """True for int16 with a scale that LiteRT takes for a power of two."""
    if x is None or x.format != INT16 or x.quantization is None:
        return False
    return power_of_two(x.quantization.scalar_scale) is not None


def _extremum(kind: type[Pairwise]) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        _check_scales(source.input(0), source.input(1), source.outputs[0])
        return kind(), _operands(source, source.outputs[0])

    return take


def _comparison(relation: str) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        return Compare(relation), _operands(source, source.input(0))

    return take


def _operands(source: Source, like: Tensor) -> Inputs:
    """Both inputs, which must be of the type of `like`."""
    operands = source.input(0), source.input(1)
    for x in operands:
        if x.format != like.format:
            raise ValueError(f"'{x.name}' is {x.format.name}, '{like.name}' {like.format.name}")
    return operands


def _logical_not(source: Source) -> tuple[Operator, Inputs]:
    x = source.input(0)
    false = Tensor(f"{source.outputs[0].name}:false", (), BOOL, None, np.array(False))
    return Compare("equal"), (x, false)


def _select(source: Source) -> tuple[Operator, Inputs]:
    """SELECT_V2, and SELECT with a condition that broadcasts in the same way."""
    condition, a, b = (source.input(index) for index in range(3))
    _check_scales(a, b, source.outputs[0])
    return Select(), (a, b, condition)


def _select_rows(source: Source) -> tuple[Operator, Inputs]:
    condition, a = source.input(0), source.input(1)
    if len(condition.shape) == 1 and len(a.shape) > 1:
        raise UnsupportedNodeError("a selection of whole rows by a vector is not supported")
    return _select(source)


def _check_scales(a: Tensor, b: Tensor, y: Tensor) -> None:
    """TFLite's kernels that move or compare stored integers don't look at the scales."""
    for x in (a, b):
        if x.quantization is not None and not x.quantization.same_as(y.quantization):
            raise UnsupportedNodeError(f"'{x.name}' and '{y.name}' have different scales")


IMPORTS: Mapping[str, Import] = {
    "ADD": _sum(Add),
    "DIV": _pair(Div),
    "EQUAL": _comparison("equal"),
    "FLOOR_DIV": _pair(FloorDiv),
    "GREATER": _comparison("greater"),
    "GREATER_EQUAL": _comparison("greater_equal"),
    "LESS": _comparison("less"),
    "LESS_EQUAL": _comparison("less_equal"),
    "LOGICAL_AND": _comparison("logical_and"),
    "LOGICAL_NOT": _logical_not,
    "LOGICAL_OR": _comparison("logical_or"),
    "MAXIMUM": _extremum(Maximum),
    "MINIMUM": _extremum(Minimum),
    "MUL": _pair(Mul),
    "NOT_EQUAL": _comparison("not_equal"),
    "POW": _pair(Pow),
    "SELECT": _select_rows,
    "SELECT_V2": _select,
    "SQUARED_DIFFERENCE": _pair(SquaredDifference),
    "SUB": _sum(Sub),
}

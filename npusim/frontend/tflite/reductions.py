"""TFLite operators along axes: sums, means, extrema, their places, normalization to unit length."""

from __future__ import annotations

from collections.abc import Mapping

from npusim.frontend.tflite.source import Import, Inputs, Source, UnsupportedNodeError
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.arg_extremum import ArgExtremum
from npusim.ir.ops.axes.arg_max import ArgMax
from npusim.ir.ops.axes.arg_min import ArgMin
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.reduce_max import ReduceMax
from npusim.ir.ops.axes.reduce_min import ReduceMin
from npusim.ir.ops.axes.reduce_prod import ReduceProd
from npusim.ir.ops.axes.reduce_sum import ReduceSum
from npusim.ir.ops.axes.reduction import Reduction
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.numerics.quantization import Activation


def _reduction(kind: type[Reduction]) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        return _of_kind(kind, source)

    return take


def _extremum(kind: type[Reduction]) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        x, y = source.input(0), source.outputs[0]
        if x.quantization is not None and not x.quantization.same_as(y.quantization):
            raise UnsupportedNodeError(f"'{x.name}' and '{y.name}' have different scales")
        return _of_kind(kind, source)

    return take


def _product(source: Source) -> tuple[Operator, Inputs]:
    x, y = source.input(0), source.outputs[0]
    rescales = x.quantization is not None and not x.quantization.same_as(y.quantization)
    if rescales and x.size == y.size:
        raise UnsupportedNodeError(
            "a product of one element each in another scale, which LiteRT's kernels differ in, "
            "is not supported"
        )
    return _of_kind(ReduceProd, source)


def _of_kind(kind: type[Reduction], source: Source) -> tuple[Operator, Inputs]:
    axes = tuple(int(axis) for axis in source.constant(1).reshape(-1))
    return kind(axes, bool(source.options.get("KeepDims", False))), (source.input(0),)


def _place(kind: type[ArgExtremum]) -> Import:
    def take(source: Source) -> tuple[Operator, Inputs]:
        axis = source.constant(1)
        if axis.size != 1:
            raise ValueError(f"{axis.size} axes, not one")
        return kind((int(axis.reshape(())),)), (source.input(0),)

    return take


def _l2_normalization(source: Source) -> tuple[Operator, Inputs]:
    if source.activation() is not Activation.NONE:
        raise UnsupportedNodeError("a fused activation on a normalization is not supported")
    return L2Normalization(-1), (source.input(0),)


IMPORTS: Mapping[str, Import] = {
    "ARG_MAX": _place(ArgMax),
    "ARG_MIN": _place(ArgMin),
    "L2_NORMALIZATION": _l2_normalization,
    "MEAN": _reduction(Mean),
    "REDUCE_MAX": _extremum(ReduceMax),
    "REDUCE_MIN": _extremum(ReduceMin),
    "REDUCE_PROD": _product,
    "SUM": _reduction(ReduceSum),
}

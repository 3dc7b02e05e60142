"""Relu, Clip, Softmax, its logarithm, and its quantized form."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import format_of_constant, unmarked
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.log_softmax import LogSoftmax
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.elements.clip import Clip
from npusim.ir.ops.elements.clip_stored import ClipStored
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import decode
from npusim.numerics.quantization import Activation

_ACTIVATIONS: dict[tuple[float | None, float | None], Activation] = {
    (0.0, None): Activation.RELU,
    (0.0, 6.0): Activation.RELU6,
    (-1.0, 1.0): Activation.RELU_N1_TO_1,
    (0.0, 1.0): Activation.RELU_0_TO_1,
}
_UNBOUNDED = 3.0e38
"""Bounds beyond this are the ends of float32, which exporters write for "none"."""


def relu(ctx: Context, source: Source) -> None:
    """Relu, of reals or of stored integers."""
    x = ctx.activation(source, 0)
    op = ClipStored(low=0) if x.format.is_integer else Relu(Activation.RELU)
    ctx.emit(source, op, [x])


def clip(ctx: Context, source: Source) -> None:
    """Clip with constant bounds, of reals or of stored integers."""
    low, high = (_bound(ctx, source, *place) for place in ((1, "min"), (2, "max")))
    if low is None and high is None:
        ctx.aliases[source.outputs[0]] = ctx.name_of(source, 0)
        return
    x = ctx.activation(source, 0)
    ctx.emit(source, _clamp(x, low, high), [x])


def _clamp(x: Tensor, low: float | None, high: float | None) -> Operator:
    if x.format.is_integer:
        bounds = [None if bound is None else int(bound) for bound in (low, high)]
        if any(b is not None and not x.format.low <= b <= x.format.high for b in bounds):
            raise DamagedNodeError(f"has bounds {bounds} outside {x.format.name}")
        return ClipStored(*bounds)
    activation = _ACTIVATIONS.get((low, high))
    if activation is not None:
        return Relu(activation)
    return Clip(-np.inf if low is None else low, np.inf if high is None else high)


def softmax(ctx: Context, source: Source) -> None:
    """Softmax."""
    x = ctx.activation(source, 0)
    ctx.emit(source, Softmax(axis=_softmax_axis(source, x, source.opset)), [x])


def log_softmax(ctx: Context, source: Source) -> None:
    """LogSoftmax."""
    x = ctx.activation(source, 0)
    ctx.emit(source, LogSoftmax(axis=_softmax_axis(source, x, source.opset)), [x])


def qlinear_softmax(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearSoftmax; the attribute `opset` says which Softmax it stands for."""
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), x_quantization)
    quantization, fmt = per_tensor(ctx, source, 3, 4)
    axis = _softmax_axis(source, x, source.integer("opset", 13))
    ctx.emit(source, Softmax(axis=axis), [x], fmt, quantization)


def _bound(ctx: Context, source: Source, index: int, name: str) -> float | None:
    """A bound of Clip: an attribute before opset 11, an input since."""
    if source.opset < 11:
        value = source.real(name, float("inf"))
    else:
        if not source.input(index):
            return None
        stored = ctx.quantized.get(ctx.name_of(source, index))
        array = ctx.required_constant(source, index) if stored is None else stored.real()
        if array.size != 1:
            raise DamagedNodeError(f"has {array.size} values as '{name}'")
        real = decode(unmarked(array), format_of_constant(array))
        value = float(real.reshape(()))
    if np.isnan(value):
        raise DamagedNodeError(f"has no number as '{name}'")
    return None if abs(value) > _UNBOUNDED else value


def _softmax_axis(source: Source, x: Tensor, opset: int) -> int:
    """The axis; before opset 13 all axes from it on were one, which only the last one still is."""
    rank = len(x.shape)
    axis = source.integer("axis", -1 if opset >= 13 else 1)
    if not -rank <= axis < rank:
        raise DamagedNodeError(f"axis {axis} is outside rank {rank}")
    axis %= rank
    if opset < 13 and any(extent != 1 for extent in x.shape[axis + 1 :]):
        raise UnsupportedNodeError(f"a softmax over all axes from {axis} on is not supported")
    return axis

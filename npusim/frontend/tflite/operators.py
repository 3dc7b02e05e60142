"""One function per TFLite operator: from its options and tensors to an operator of the graph.

Each takes a `Source` and returns the operator with its input tensors. `UnsupportedNodeError`
carries the reason why a sound node can't be taken; ValueError says that the file contradicts
itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npusim.frontend.tflite import movement, pairs, products, recurrent, reductions, unary
from npusim.frontend.tflite.source import (
    Import,
    Imported,
    Inputs,
    Known,
    Source,
    UnsupportedNodeError,
    image,
)
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.elements.requantize import Requantize
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP16, FP32, INT8, INT16, UINT8
from npusim.numerics.quantization import Activation

MAX_TAPS = 2**12
"""Taps a side of a pooling window; no weights bound it, so a damaged file could ask for any."""


def _window(source: Source) -> Window:
    size = source.positive("FilterHeight"), source.positive("FilterWidth")
    if max(size) > MAX_TAPS:
        raise UnsupportedNodeError(f"a window of {size[0]} x {size[1]} taps is not supported")
    padding = source.padding(image(source.input(0)), size, (1, 1))
    return Window(size, source.stride(), (1, 1), padding)


def _average_pool(source: Source) -> tuple[Operator, Inputs]:
    return AveragePool(_window(source), source.activation()), (source.input(0),)


def _max_pool(source: Source) -> tuple[Operator, Inputs]:
    return MaxPool(_window(source), source.activation()), (source.input(0),)


def _softmax(source: Source) -> tuple[Operator, Inputs]:
    beta = float(source.options.get("Beta", 0.0))
    if not np.isfinite(beta) or beta <= 0:
        raise ValueError(f"beta is {beta}")
    return Softmax(beta), (source.input(0),)


def _concat(source: Source) -> tuple[Operator, Inputs]:
    if source.activation() is not Activation.NONE:
        raise UnsupportedNodeError("a fused activation on a concatenation is not supported")
    if not source.inputs:
        raise ValueError("nothing to concatenate")
    inputs = tuple(source.input(index) for index in range(len(source.inputs)))
    for x in inputs:
        if (
            x.format == INT16
            and x.quantization
            and not x.quantization.same_as(source.outputs[0].quantization)
        ):
            raise UnsupportedNodeError(
                f"'{x.name}' is int16 in another scale than the output: LiteRT joins stored values"
            )
    return Concat(int(source.options.get("Axis", 0))), inputs


def _pad(source: Source) -> tuple[Operator, Inputs]:
    pairs = source.constant(1)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"paddings of shape {pairs.shape}")
    value = None
    if source.optional(2) is not None:
        stored = source.constant(2)
        if stored.size != 1:
            raise ValueError("more than one padding value")
        value = stored.reshape(-1)[0].item()
    padding = tuple((int(before), int(after)) for before, after in pairs)
    return Pad(padding, value), (source.input(0),)


def _reshape(source: Source) -> tuple[Operator, Inputs]:
    return Reshape(source.outputs[0].shape), (source.input(0),)


def _clamp(activation: Activation) -> Import:
    def clamp(source: Source) -> tuple[Operator, Inputs]:
        return Relu(activation), (source.input(0),)

    return clamp


_TAKEN = {INT8: (INT8, UINT8), UINT8: (INT8, UINT8), INT16: (INT8, INT16)}
"""Formats that LiteRT brings each integer format to."""


def _quantize(source: Source) -> tuple[Operator, Inputs]:
    x = source.input(0)
    if x.format == FP32:
        return Quantize(), (x,)
    if x.format not in (INT8, UINT8, INT16) or source.outputs[0].format not in _TAKEN[x.format]:
        names = f"{x.format.name} to {source.outputs[0].format.name}"
        raise UnsupportedNodeError(f"quantization of {names} is not supported")
    return Requantize(), (x,)


def _dequantize(source: Source) -> Imported:
    x = source.input(0)
    if x.data is not None and (x.format == FP16 or x.quantization is not None):
        return Known((_real(x),))
    if x.format not in (INT8, UINT8, INT16):
        raise UnsupportedNodeError(f"dequantization of {x.format.name} is not supported")
    return Dequantize(), (x,)


def _real(x: Tensor) -> np.ndarray:
    """A constant in float32: scale times distance from the zero point, or float16 widened."""
    assert x.data is not None
    if x.quantization is None:
        return x.data.astype(np.float32)
    own = x.quantization
    along = [1] * len(x.shape)
    if own.axis is not None:
        along[own.axis] = -1
    scale, zero = own.scale.reshape(along), own.zero_point.reshape(along)
    return np.asarray(scale * (x.data - zero).astype(np.float32), np.float32)


IMPORTS: Mapping[str, Import] = {
    **movement.IMPORTS,
    **pairs.IMPORTS,
    **reductions.IMPORTS,
    **unary.IMPORTS,
    "AVERAGE_POOL_2D": _average_pool,
    "BATCH_MATMUL": products.batch_matmul,
    "CONCATENATION": _concat,
    "CONV_2D": products.conv,
    "DEPTHWISE_CONV_2D": products.depthwise,
    "DEQUANTIZE": _dequantize,
    "EXPAND_DIMS": _reshape,
    "FULLY_CONNECTED": products.fully_connected,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "RELU": _clamp(Activation.RELU),
    "RELU_0_TO_1": _clamp(Activation.RELU_0_TO_1),
    "RELU6": _clamp(Activation.RELU6),
    "RELU_N1_TO_1": _clamp(Activation.RELU_N1_TO_1),
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SQUEEZE": _reshape,
    "TRANSPOSE_CONV": products.transposed_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm,
}
"""The TFLite operators that are supported."""

"""One function per TFLite operator: from its options and tensors to an operator of the graph.

Each takes a `Source` and returns the operator with its input tensors. `UnsupportedNodeError`
carries the reason why a sound node can't be taken; ValueError says that the file contradicts
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npusim.ir.operator import Operator
from npusim.ir.ops.add import Add
from npusim.ir.ops.average_pool import AveragePool
from npusim.ir.ops.concat import Concat
from npusim.ir.ops.conv2d import Conv2D
from npusim.ir.ops.dequantize import Dequantize
from npusim.ir.ops.fully_connected import FullyConnected
from npusim.ir.ops.max_pool import MaxPool
from npusim.ir.ops.mean import Mean
from npusim.ir.ops.mul import Mul
from npusim.ir.ops.pad import Pad
from npusim.ir.ops.quantize import Quantize
from npusim.ir.ops.relu import Relu
from npusim.ir.ops.requantize import Requantize
from npusim.ir.ops.reshape import Reshape
from npusim.ir.ops.softmax import Softmax
from npusim.ir.ops.window import Window
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT8, UINT8
from npusim.numerics.quantization import Activation, Quantization

Inputs = tuple[Tensor | None, ...]
Import = Callable[["Source"], tuple[Operator, Inputs]]

MAX_TAPS = 2**12
"""Taps a side of a pooling window; no weights bound it, so a damaged file could ask for any."""

_SAME, _VALID = 0, 1
_ACTIVATIONS = {
    0: Activation.NONE, 1: Activation.RELU, 2: Activation.RELU_N1_TO_1, 3: Activation.RELU6,
}  # fmt: skip


class UnsupportedNodeError(Exception):
    """A sound node outside what is supported; the text says why."""


@dataclass(frozen=True, eq=False)
class Source:
    """One node of the file: its options by field name, its tensors (None where absent)."""

    options: Mapping[str, Any]
    inputs: Inputs
    outputs: Sequence[Tensor]

    def input(self, index: int) -> Tensor:
        """Input `index`, which must be there."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise ValueError(f"input {index} is absent")
        return tensor

    def optional(self, index: int) -> Tensor | None:
        """Input `index`, or None."""
        return self.inputs[index] if index < len(self.inputs) else None

    def constant(self, index: int) -> np.ndarray:
        """The data of input `index`, which must be a constant."""
        tensor = self.input(index)
        if tensor.data is None:
            raise UnsupportedNodeError(f"'{tensor.name}' must be a constant")
        return tensor.data

    def activation(self) -> Activation:
        """The fused activation."""
        code = self.options.get("FusedActivationFunction", 0)
        if code not in _ACTIVATIONS:
            raise UnsupportedNodeError(f"fused activation {code} is not supported")
        return _ACTIVATIONS[code]

    def positive(self, name: str, default: int = 1) -> int:
        """An option that counts something: at least 1."""
        value = int(self.options.get(name, default))
        if value < 1:
            raise ValueError(f"{name} is {value}")
        return value

    def stride(self) -> tuple[int, int]:
        """(y, x)."""
        return self.positive("StrideH"), self.positive("StrideW")

    def padding(
        self, x: Tensor, taps: tuple[int, ...], dilation: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of the SAME or VALID padding."""
        scheme = self.options.get("Padding", _SAME)
        if scheme == _VALID:
            return 0, 0, 0, 0
        if scheme != _SAME:
            raise ValueError(f"padding scheme {scheme}")
        pairs = []
        for extent, tap, stride, step in zip(x.shape[1:3], taps, self.stride(), dilation,
                                             strict=True):  # fmt: skip
            needed = (-(-extent // stride) - 1) * stride + (tap - 1) * step + 1
            total = max(needed - extent, 0)
            pairs.append((total // 2, total - total // 2))
        (top, bottom), (left, right) = pairs
        return top, left, bottom, right


def _image(tensor: Tensor) -> Tensor:
    if len(tensor.shape) != 4:
        raise ValueError(f"'{tensor.name}' has rank {len(tensor.shape)}, not 4")
    return tensor


def _conv(source: Source) -> tuple[Operator, Inputs]:
    x, w = _image(source.input(0)), _image(source.input(1))
    channels, group_channels = x.shape[3], w.shape[3]
    if group_channels == 0 or channels % group_channels:
        raise ValueError(f"{channels} input channels do not fit weights {w.shape}")
    dilation = source.positive("DilationHFactor"), source.positive("DilationWFactor")
    padding = source.padding(x, w.shape[1:3], dilation)
    groups = channels // group_channels
    op = Conv2D(source.stride(), dilation, padding, groups, source.activation())
    return op, (x, w, source.optional(2))


def _depthwise(source: Source) -> tuple[Operator, Inputs]:
    x, w = _image(source.input(0)), _image(source.input(1))
    if w.shape[0] != 1 or x.shape[3] == 0 or w.shape[3] % x.shape[3]:
        raise ValueError(f"depthwise weights {w.shape} do not fit {x.shape[3]} channels")
    dilation = source.positive("DilationHFactor"), source.positive("DilationWFactor")
    padding = source.padding(x, w.shape[1:3], dilation)
    op = Conv2D(source.stride(), dilation, padding, x.shape[3], source.activation())
    return op, (x, _depthwise_weights(w), source.optional(2))


def _depthwise_weights(w: Tensor) -> Tensor:
    """Weights [1, FY, FX, O] as [O, FY, FX, 1]."""
    if w.data is None:
        raise UnsupportedNodeError(f"depthwise weights '{w.name}' must be a constant")
    quantization = w.quantization
    if quantization is not None and not quantization.is_per_tensor:
        if quantization.axis != 3:
            raise ValueError(f"depthwise weights '{w.name}' are quantized along another axis")
        quantization = Quantization(quantization.scale, quantization.zero_point, 0)
    data = np.ascontiguousarray(np.transpose(w.data, (3, 1, 2, 0)))
    return replace(w, shape=data.shape, data=data, quantization=quantization)


def _fully_connected(source: Source) -> tuple[Operator, Inputs]:
    x, w = source.input(0), source.input(1)
    if source.options.get("WeightsFormat", 0) != 0:
        raise UnsupportedNodeError("shuffled weights are not supported")
    if len(w.shape) != 2:
        raise ValueError(f"weights of rank {len(w.shape)}")
    op = FullyConnected(source.activation(), bool(source.options.get("KeepNumDims", False)))
    return op, (x, w, source.optional(2))


def _add(source: Source) -> tuple[Operator, Inputs]:
    return Add(source.activation()), (source.input(0), source.input(1))


def _mul(source: Source) -> tuple[Operator, Inputs]:
    return Mul(source.activation()), (source.input(0), source.input(1))


def _window(source: Source) -> Window:
    size = source.positive("FilterHeight"), source.positive("FilterWidth")
    if max(size) > MAX_TAPS:
        raise UnsupportedNodeError(f"a window of {size[0]} x {size[1]} taps is not supported")
    padding = source.padding(_image(source.input(0)), size, (1, 1))
    return Window(size, source.stride(), (1, 1), padding)


def _average_pool(source: Source) -> tuple[Operator, Inputs]:
    return AveragePool(_window(source), source.activation()), (source.input(0),)


def _max_pool(source: Source) -> tuple[Operator, Inputs]:
    return MaxPool(_window(source), source.activation()), (source.input(0),)


def _mean(source: Source) -> tuple[Operator, Inputs]:
    axes = tuple(int(axis) for axis in source.constant(1).reshape(-1))
    return Mean(axes, bool(source.options.get("KeepDims", False))), (source.input(0),)


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


def _quantize(source: Source) -> tuple[Operator, Inputs]:
    x = source.input(0)
    if x.format == FP32:
        return Quantize(), (x,)
    if x.format not in (INT8, UINT8):
        raise UnsupportedNodeError(f"quantization of {x.format.name} is not supported")
    return Requantize(), (x,)


def _dequantize(source: Source) -> tuple[Operator, Inputs]:
    x = source.input(0)
    if x.format not in (INT8, UINT8):
        raise UnsupportedNodeError(f"dequantization of {x.format.name} is not supported")
    return Dequantize(), (x,)


IMPORTS: Mapping[str, Import] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concat,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": _dequantize,
    "EXPAND_DIMS": _reshape,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MUL": _mul,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "RELU": _clamp(Activation.RELU),
    "RELU6": _clamp(Activation.RELU6),
    "RELU_N1_TO_1": _clamp(Activation.RELU_N1_TO_1),
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SQUEEZE": _reshape,
}
"""The TFLite operators that are supported."""

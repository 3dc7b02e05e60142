"""Makes a quantized graph layer by layer: int8 tensors, weights with a scale per output channel.

Tensors are channels-last. A layer's name names its output tensor, its node, and with the network's
name the seed of its weights. Scales follow from `moments.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.gather import Gather
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.norms.layer_norm import LayerNorm
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.models import moments
from npusim.models.functions import NONE, Nonlinearity
from npusim.models.moments import Moments
from npusim.models.structure import digest
from npusim.models.weights import STD, SyntheticTensor, uniform
from npusim.numerics.formats import FP32, INT8, INT32
from npusim.numerics.quantization import Quantization

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]

PROFILE = "tflite-reference"
"""Channels-last int8 with zero points is what TFLite's converter writes."""

NOTES = (
    "a built-in network: the structure of the original, synthetic weights, so outputs mean nothing",
)

SPREAD = 0.3
"""Scales of a layer's channels differ by up to this part; those of trained networks do by more."""

BIAS_STD = 0.2
"""Standard deviation of the biases, as a part of that of the sums."""

PROBABILITIES = Quantization.per_tensor(1 / 256, -128)
"""The scale that TFLite fixes for the output of a softmax."""

UNKNOWN = Moments(0.0, 0.0, 0.0, 0.0)
"""Of parameters and of numbers that are not quantized: no scale follows from them."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph in the making: its name, shape, and expected values."""

    name: str
    shape: tuple[int, ...]
    moments: Moments


class Builder:
    """A graph in the making; each method adds a layer and returns its output.

    `same_padding` pads images as TensorFlow does: ceil(extent / stride) outputs, the odd row and
    column of padding last. Else taps // 2 are padded on each side, as is usual in PyTorch.
    """

    def __init__(self, name: str, same_padding: bool = False) -> None:
        self._name = name
        self._same_padding = same_padding
        self._nodes: list[Node] = []
        self._tensors: dict[str, Tensor] = {}
        self._inputs: list[str] = []

    def input(self, name: str, *shape: int) -> Value:
        """An int8 input whose values are uniform over -2..2, a normalized image's range."""
        uniform_std = 2.0 / sqrt(3.0)
        return self._declared(name, shape, Moments(0.0, round(uniform_std, 6), -2.0, 2.0))

    def indices(self, name: str, *shape: int) -> Value:
        """An int32 input of plain numbers, such as the tokens of a text."""
        self._tensors[name] = Tensor(name, shape, INT32)
        self._inputs.append(name)
        return Value(name, shape, UNKNOWN)

    def constant(self, name: str, *shape: int) -> Value:
        """A learned int8 tensor that is not the weights of a product: an embedding, a token."""
        std = 1.0
        low, high = -std * 127 / STD, std * 127 / STD
        key = f"{self._name}/{name}"
        quantization = Quantization.per_tensor(std / STD)
        self._tensors[name] = SyntheticTensor(name, shape, INT8, quantization, key=key)
        return Value(name, shape, Moments(0.0, std, round(low, 6), round(high, 6)))

    def conv(
        self, x: Value, name: str, channels: int, taps: int | Pair = 1, stride: int | Pair = 1,
        activation: Nonlinearity = NONE, groups: int = 1, padding: Padding | None = None,
    ) -> Value:  # fmt: skip
        """A convolution [B, H, W, C] -> [B, OY, OX, channels] with bias; `padding` None: usual."""
        taps, stride = _pair(taps), _pair(stride)
        if padding is None:
            padding = self._padding(x, taps, stride)
        shape = (channels, *taps, x.shape[3] // groups)
        op = Conv2D(stride, (1, 1), padding, groups, activation.clamp)
        return self._product(op, x, name, shape, activation)

    def depthwise(
        self, x: Value, name: str, taps: int | Pair = 3, stride: int | Pair = 1,
        activation: Nonlinearity = NONE,
    ) -> Value:  # fmt: skip
        """A depthwise convolution."""
        return self.conv(x, name, x.shape[3], taps, stride, activation, groups=x.shape[3])

    def fully_connected(
        self, x: Value, name: str, units: int, activation: Nonlinearity = NONE
    ) -> Value:
        """A fully connected layer over the last axis, with bias."""
        op = FullyConnected(activation.clamp, keep_num_dims=True)
        return self._product(op, x, name, (units, x.shape[-1]), activation)

    def activation(self, x: Value, function: Nonlinearity) -> Value:
        """A function that no drain computes, by table; its name is that of `x` with its own."""
        assert function.table is not None
        expected = moments.applied(function.function, x.moments)
        name = f"{x.name}.{function.name}"
        return self._node(function.table, (x,), name, expected, function.scale)

    def add(self, x: Value, y: Value, name: str, activation: Nonlinearity = NONE) -> Value:
        """The sum of two tensors whose shapes broadcast."""
        expected = moments.applied(activation.function, moments.added(x.moments, y.moments))
        return self._node(Add(activation.clamp), (x, y), name, expected)

    def mul(self, x: Value, y: Value, name: str) -> Value:
        """The product of two tensors whose shapes broadcast."""
        return self._node(Mul(), (x, y), name, moments.multiplied(x.moments, y.moments))

    def matmul(self, x: Value, y: Value, name: str) -> Value:
        """[..., M, C] x [..., C, N], both computed."""
        one = moments.multiplied(x.moments, y.moments)
        depth = x.shape[-1]
        expected = moments.normal(depth * one.mean, sqrt(depth) * one.std)
        return self._node(MatMul(), (x, y), name, expected)

    def max_pool(
        self, x: Value, name: str, taps: int, stride: int, padding: Padding | None = None
    ) -> Value:
        """A maximum pooling; values keep their scale."""
        return self._kept(MaxPool(self._window(x, taps, stride, padding)), x, name)

    def average_pool(self, x: Value, name: str) -> Value:
        """The average over the whole image, as a pooling: [B, 1, 1, C]."""
        size = (x.shape[1], x.shape[2])
        return self._kept(AveragePool(Window(size, size)), x, name)

    def global_mean(self, x: Value, name: str, keep_dims: bool = False) -> Value:
        """The mean over the image, [B, C] or [B, 1, 1, C]; values keep their scale."""
        return self._kept(Mean((1, 2), keep_dims, global_pool=True), x, name)

    def concat(self, parts: Sequence[Value], name: str, axis: int = -1) -> Value:
        """The tensors side by side."""
        expected = moments.joined([part.moments for part in parts])
        return self._node(Concat(axis), parts, name, expected)

    def part(self, x: Value, name: str, axis: int, begin: int, end: int) -> Value:
        """The elements `begin` to `end` of an axis."""
        return self._kept(StridedSlice.along(axis, len(x.shape), begin, end), x, name)

    def gather(self, table: Value, indices: Value, name: str) -> Value:
        """The rows of a constant `table` that `indices` name."""
        quantization = self._tensors[table.name].quantization
        return self._node(Gather(0), (table, indices), name, table.moments, quantization)

    def layer_norm(self, x: Value, name: str, epsilon: float) -> Value:
        """Normalization over the last axis, with float32 parameters."""
        width = x.shape[-1]
        key = f"{self._name}/{name}"
        scale = 1.0 + SPREAD * uniform(f"{key}/scales", width)
        shift = BIAS_STD * sqrt(3.0) * uniform(f"{key}/bias", width)
        learned = [
            self._parameters(f"{name}.weight", scale), self._parameters(f"{name}.bias", shift)
        ]  # fmt: skip
        expected = moments.normal(0.0, sqrt(1.0 + SPREAD**2 / 3.0 + BIAS_STD**2))
        return self._node(LayerNorm(epsilon, -1), (x, *learned), name, expected)

    def upsample(self, x: Value, name: str, factor: int) -> Value:
        """Each pixel of an image repeated `factor` times in both directions."""
        return self._kept(ResizeNearest.repeated(x.shape, (1, factor, factor, 1)), x, name)

    def transpose(self, x: Value, name: str, *perm: int) -> Value:
        """The axes in another order."""
        return self._kept(Transpose(perm), x, name)

    def reshape(self, x: Value, name: str, *shape: int) -> Value:
        """The same elements in another shape."""
        return self._kept(Reshape(shape), x, name)

    def softmax(self, x: Value, name: str) -> Value:
        """Softmax along the last axis; the output's scale is the one that TFLite fixes."""
        extent = x.shape[-1]
        peaks = moments.applied(np.exp, x.moments)
        mean, std = 1.0 / extent, peaks.std / peaks.mean / extent
        expected = Moments(round(mean, 6), round(std, 6), 0.0, 255 / 256)
        return self._node(Softmax(), (x,), name, expected, PROBABILITIES)

    def graph(self, *outputs: Value, notes: Sequence[str] = ()) -> Graph:
        """The finished graph."""
        ends = tuple(value.name for value in outputs)
        nodes, inputs = tuple(self._nodes), tuple(self._inputs)
        sha256 = digest(self._name, nodes, self._tensors, inputs, ends)
        return Graph(
            self._name, nodes, self._tensors, inputs, ends, PROFILE, sha256, notes=(*NOTES, *notes)
        )

    def _declared(self, name: str, shape: tuple[int, ...], expected: Moments) -> Value:
        self._tensors[name] = Tensor(name, shape, INT8, expected.quantization())
        self._inputs.append(name)
        return Value(name, shape, expected)

    def _product(
        self, op: Operator, x: Value, name: str, shape: tuple[int, ...], activation: Nonlinearity
    ) -> Value:
        """A layer with weights of `shape` [K, ..., C] and a bias, then its activation."""
        names = self._weights(x, name, shape, activation)
        sums = moments.normal(activation.offset, activation.gain * sqrt(1.0 + BIAS_STD**2))
        if activation.table is not None:
            return self.activation(self._node(op, (x, *names), name, sums), activation)
        expected = moments.applied(activation.function, sums)
        return self._node(op, (x, *names), name, expected)

    def _weights(
        self, x: Value, name: str, shape: tuple[int, ...], activation: Nonlinearity
    ) -> tuple[Value, Value]:
        """Weights and bias; the sums get the standard deviation that the activation asks for."""
        key, channels = f"{self._name}/{name}", shape[0]
        spread = 1.0 + SPREAD * uniform(f"{key}/scales", channels)
        usual = sqrt((1.0 + SPREAD**2 / 3.0) * prod(shape[1:]) * x.moments.square)
        scale = (activation.gain * spread / (STD * usual)).astype(np.float32)
        zeros = np.zeros(channels, np.int32)
        weights = f"{name}.weight"
        self._tensors[weights] = SyntheticTensor(
            weights, shape, INT8, Quantization(scale, zeros, 0), key=key
        )
        x_quantization = self._tensors[x.name].quantization
        assert x_quantization is not None
        sums_scale = x_quantization.scalar_scale * scale
        drawn = activation.gain * BIAS_STD * sqrt(3.0) * uniform(f"{key}/bias", channels)
        stored = np.rint((activation.offset + drawn) / sums_scale).astype(np.int32)
        bias = f"{name}.bias"
        quantization = Quantization(sums_scale, zeros, 0)
        self._tensors[bias] = Tensor(bias, (channels,), INT32, quantization, stored)
        return Value(weights, shape, UNKNOWN), Value(bias, (channels,), UNKNOWN)

    def _parameters(self, name: str, values: np.ndarray) -> Value:
        """A float32 constant."""
        data = values.astype(np.float32)
        self._tensors[name] = Tensor(name, data.shape, FP32, None, data)
        return Value(name, data.shape, UNKNOWN)

    def _kept(self, op: Operator, x: Value, name: str) -> Value:
        """An operator whose output has the scale of its input."""
        return self._node(op, (x,), name, x.moments, self._tensors[x.name].quantization)

    def _node(
        self, op: Operator, inputs: Sequence[Value], name: str, expected: Moments,
        quantization: Quantization | None = None,
    ) -> Value:  # fmt: skip
        if name in self._tensors:
            raise ValueError(f"two layers of {self._name} are called '{name}'")
        names = tuple(value.name for value in inputs)
        (shape,) = op.infer_shapes([self._tensors[at] for at in names])
        given = expected.quantization() if quantization is None else quantization
        self._tensors[name] = Tensor(name, shape, INT8, given)
        self._nodes.append(Node(name, op, names, (name,)))
        return Value(name, shape, expected)

    def _window(self, x: Value, taps: int, stride: int, padding: Padding | None) -> Window:
        size, step = _pair(taps), _pair(stride)
        given = self._padding(x, size, step) if padding is None else padding
        return Window(size, step, (1, 1), given)

    def _padding(self, x: Value, taps: Pair, stride: Pair) -> Padding:
        """(top, left, bottom, right)."""
        if not self._same_padding:
            rows, cols = taps[0] // 2, taps[1] // 2
            return rows, cols, rows, cols
        sides = []
        for extent, tap, step in zip(x.shape[1:3], taps, stride, strict=True):
            total = max(0, (-(-extent // step) - 1) * step + tap - extent)
            sides.append((total // 2, total - total // 2))
        (top, bottom), (left, right) = sides
        return top, left, bottom, right


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else value

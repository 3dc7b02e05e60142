"""Random small graphs for tests of schedule and timing: chains and residual blocks.

`Build` adds operators one by one and infers shapes; `graphs()` is the hypothesis strategy. Tensors
are quantized int8 with weights of zero, so that the graphs can also be executed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.movements.space_to_depth import SpaceToDepth
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8, INT32, Format
from npusim.numerics.quantization import Quantization

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
_SCALE = Quantization.per_tensor(0.05, 0)


class Build:
    """A graph in the making; each method returns the name of the tensor that it makes."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""
        return self.tensors[name].shape

    def input(self, *shape: int) -> str:
        """A graph input, int8."""
        name = f"in{len(self.inputs)}"
        self.tensors[name] = Tensor(name, shape, INT8, _SCALE)
        self.inputs.append(name)
        return name

    def constant(self, *shape: int) -> str:
        """An int8 constant of zeros."""
        name = f"const{len(self.tensors)}"
        self.tensors[name] = Tensor(name, shape, INT8, _SCALE, np.zeros(shape, np.int8))
        return name

    def add_node(self, op: Operator, *inputs: str, format: Format = INT8) -> str:
        """Any operator of one output."""
        at = len(self.nodes)
        shape = op.infer_shapes([self.tensors[name] for name in inputs])[0]
        name = f"t{at}"
        quantization = _SCALE if format.is_integer else None
        self.tensors[name] = Tensor(name, shape, format, quantization)
        self.nodes.append(Node(f"{op.kind}_{at}", op, inputs, (name,)))
        return name

    def conv(
        self, x: str, channels: int, taps: Pair = (1, 1), stride: Pair = (1, 1),
        dilation: Pair = (1, 1), padding: Padding = (0, 0, 0, 0), groups: int = 1,
        bias: bool = False,
    ) -> str:  # fmt: skip
        """A convolution with `channels` outputs; depthwise if `groups` equals its inputs."""
        weights = self.constant(channels, *taps, self.shape(x)[-1] // groups)
        op = Conv2D(stride, dilation, padding, groups)
        return self.add_node(op, x, weights, *([self._bias(channels)] if bias else []))

    def fully_connected(self, x: str, units: int, bias: bool = False) -> str:
        """A fully connected layer over the last axis."""
        weights = self.constant(units, self.shape(x)[-1])
        return self.add_node(FullyConnected(), x, weights, *([self._bias(units)] if bias else []))

    def _bias(self, channels: int) -> str:
        name = f"bias{len(self.tensors)}"
        scale = Quantization.per_tensor(0.0025, 0)
        self.tensors[name] = Tensor(name, (channels,), INT32, scale, np.zeros(channels, np.int32))
        return name

    def graph(self, *outputs: str) -> Graph:
        """The finished graph; without `outputs`, what nothing reads is an output."""
        read = {name for node in self.nodes for name in node.inputs}
        ends = [name for node in self.nodes for name in node.outputs if name not in read]
        return Graph(
            "random", tuple(self.nodes), self.tensors, tuple(self.inputs),
            tuple(outputs or ends), "tflite-reference",
        )  # fmt: skip


def only(op: Callable[[Build, str], object], *shape: int) -> Graph:
    """A graph of one input of `shape` and what `op` builds on it."""
    build = Build()
    op(build, build.input(*shape))
    return build.graph()


def _fits(extent: int, before: int, after: int, taps: int, dilation: int) -> bool:
    return (taps - 1) * dilation + 1 <= extent + before + after


@st.composite
def _windows(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Pair, Pair, Pair, Padding]:
    """(taps, stride, dilation, padding) that fit an image of `shape`; rarely alike in y and x."""
    axes = []
    for extent in shape[1:3]:
        taps = draw(st.integers(1, 5))
        dilation = draw(st.sampled_from([1, 1, 2]))
        stride = draw(st.sampled_from([1, 1, 2, 3]))
        before, after = (draw(st.integers(0, taps - 1)) for _ in range(2))
        if not _fits(extent, before, after, taps, dilation):
            taps, dilation, before, after = 1, 1, 0, 0
        axes.append((taps, stride, dilation, before, after))
    (ty, sy, dy, top, bottom), (tx, sx, dx, left, right) = axes
    return (ty, tx), (sy, sx), (dy, dx), (top, left, bottom, right)


@st.composite
def _add_conv(draw: st.DrawFn, build: Build, x: str) -> str:
    shape = build.shape(x)
    taps, stride, dilation, padding = draw(_windows(shape))
    channels = draw(st.integers(1, 40))
    groups = draw(st.sampled_from([1, 1, 1, 2, shape[3], shape[3]]))
    if shape[3] % groups:
        groups = 1
    channels = -(-channels // groups) * groups if groups < shape[3] else shape[3]
    bias = draw(st.booleans())
    return build.conv(x, channels, taps, stride, dilation, padding, groups, bias)


@st.composite
def _add_pool(draw: st.DrawFn, build: Build, x: str) -> str:
    taps, stride, _, padding = draw(_windows(build.shape(x)))
    window = Window(taps, stride, (1, 1), padding)
    return build.add_node(draw(st.sampled_from([MaxPool, AveragePool]))(window), x)


@st.composite
def _add_residual(draw: st.DrawFn, build: Build, x: str) -> str:
    """Two branches of equal shape that are added, or joined along the channels."""
    channels = build.shape(x)[3]
    inner = build.conv(x, draw(st.integers(1, 24)))
    left = build.conv(inner, channels, (3, 3), padding=(1, 1, 1, 1), bias=True)
    right = build.conv(x, channels) if draw(st.booleans()) else x
    return build.add_node(Add() if draw(st.booleans()) else Concat(3), left, right)


@st.composite
def _add_movement(draw: st.DrawFn, build: Build, x: str) -> str:
    """A part of the rows, a turned image, a larger one, or deeper pixels."""
    _, height, width, _ = shape = build.shape(x)
    first = draw(st.integers(0, height - 1))
    moves: list[Operator] = [
        StridedSlice.along(1, 4, first, height),
        ResizeNearest.repeated(shape, (1, draw(st.integers(1, 3)), 2, 1)),
    ]
    if min(height, width) > 1:
        moves.append(Transpose((0, 2, 1, 3)))
    if height % 2 == width % 2 == 0:
        moves.append(SpaceToDepth(2))
    return build.add_node(draw(st.sampled_from(moves)), x)


@st.composite
def graphs(draw: st.DrawFn, most_operators: int = 4, most_extent: int = 14) -> Graph:
    """A graph of one to `most_operators` stages, with a classifier behind it at times."""
    build = Build()
    height, width = (draw(st.integers(1, most_extent)) for _ in range(2))
    x = build.input(draw(st.integers(1, 3)), height, width, draw(st.integers(1, 24)))
    stages = [_add_conv, _add_conv, _add_pool, _add_residual, _add_movement]
    for _ in range(draw(st.integers(1, most_operators))):
        x = draw(draw(st.sampled_from(stages))(build, x))
    if draw(st.booleans()):
        rows = build.shape(x)[0]
        x = build.add_node(Reshape((rows, -1)), x)
        x = build.fully_connected(x, draw(st.integers(1, 40)), draw(st.booleans()))
        if draw(st.booleans()):
            x = build.add_node(Softmax(), x)
    return build.graph()

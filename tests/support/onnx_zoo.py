"""Tiny float networks of the structures that exporters write, with seeded weights.

Each function builds one on a `Zoo` and gives its input shapes and the names of its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.support.onnx_models import NetworkBuilder

Ends = tuple[dict[str, tuple[int, ...]], Sequence[str]]


class Zoo(NetworkBuilder):
    """`NetworkBuilder` with what those networks are made of; images are [1, C, H, W]."""

    def split(self, x: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Parts of `x`."""
        names = [f"part{len(self.nodes)}_{at}" for at in range(len(sizes))]
        node = helper.make_node("Split", [x, self.integers(*sizes)], names, names[0], axis=axis)
        self.nodes.append(node)
        return names

    def integers(self, *values: int) -> str:
        """A constant of shape arithmetic."""
        return self.constant(f"integers{len(self.constants)}", values, np.int64)

    def real(self, *values: float) -> str:
        """A float32 constant, a scalar if there is one value."""
        data = values[0] if len(values) == 1 else values
        return self.constant(f"real{len(self.constants)}", data)

    def drawn(self, *shape: int, mean: float = 0.0, spread: float = 0.3) -> str:
        """A float32 constant with normal values."""
        data = self.random.normal(mean, spread, shape)
        return self.constant(f"drawn{len(self.constants)}", data)

    def reshape(self, x: str, *shape: int) -> str:
        """`x` in another shape."""
        return self.node("Reshape", [x, self.integers(*shape)])

    def transpose(self, x: str, *order: int) -> str:
        """`x` with its axes in another order."""
        return self.node("Transpose", [x], perm=list(order))

    def relu_conv(self, x: str, channels: int, filters: int, size: int, **how: int) -> str:
        """A convolution and a ReLU."""
        return self.node("Relu", [self.conv(x, channels, filters, size, **how)])

    def silu_conv(self, x: str, channels: int, filters: int, size: int, **how: int) -> str:
        """A convolution and its product with its logistic."""
        y = self.conv(x, channels, filters, size, **how)
        return self.node("Mul", [y, self.node("Sigmoid", [y])])

    def conv1d(self, x: str, channels: int, filters: int, size: int, **how: object) -> str:
        """A 1-D convolution."""
        groups = int(how.get("group", 1))  # type: ignore[call-overload]
        w = self.weights((filters, channels // groups, size))
        return self.node("Conv", [x, w, self.drawn(filters, spread=0.1)], **how)

    def normal(self, x: str, size: int) -> str:
        """A layer normalization of the last axis."""
        scale, shift = self.drawn(size, mean=1.0), self.drawn(size)
        return self.node("LayerNormalization", [x, scale, shift], axis=-1)

    def gelu(self, x: str) -> str:
        """GELU as exporters write it out."""
        error = self.node("Erf", [self.node("Div", [x, self.real(2.0**0.5)])])
        half = self.node("Mul", [x, self.node("Add", [error, self.real(1.0)])])
        return self.node("Mul", [half, self.real(0.5)])

    def attention(self, x: str, tokens: int, size: int, heads: int) -> str:
        """Multi-head self-attention of [1, tokens, size]."""
        joined = self.dense(x, size, 3 * size, gemm=False)
        parts = []
        for part in self.split(joined, [size] * 3, 2):
            spread = self.reshape(part, 1, tokens, heads, size // heads)
            parts.append(self.transpose(spread, 0, 2, 1, 3))
        query, key, value = parts
        scores = self.node("MatMul", [query, self.transpose(key, 0, 1, 3, 2)])
        scaled = self.node("Mul", [scores, self.real((size // heads) ** -0.5)])
        mixed = self.node("MatMul", [self.node("Softmax", [scaled], axis=-1), value])
        flat = self.reshape(self.transpose(mixed, 0, 2, 1, 3), 1, tokens, size)
        return self.dense(flat, size, size, gemm=False)

    def finished(self, ends: Ends, opset: int = 17) -> onnx.ModelProto:
        """The float model."""
        inputs, outputs = ends
        given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
        made = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
        graph = helper.make_graph(self.nodes, "network", given, made, self.constants)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9
        )


def fire(b: Zoo) -> Ends:
    """SqueezeNet: a squeeze, two expansions side by side, average pooling as classifier."""
    x = b.node("MaxPool", [b.relu_conv("x", 3, 8, 3, stride=2)], kernel_shape=[3, 3],
               strides=[2, 2], ceil_mode=1)  # fmt: skip
    squeezed = b.relu_conv(x, 8, 4, 1)
    wide = [b.relu_conv(squeezed, 4, 8, size) for size in (1, 3)]
    y = b.relu_conv(b.node("Concat", wide, axis=1), 16, 5, 1)
    return {"x": (1, 3, 19, 17)}, [b.node("Flatten", [b.node("GlobalAveragePool", [y])])]


def shuffle(b: Zoo) -> Ends:
    """ShuffleNet v2: halves of the channels, one of them convolved, then shuffled."""
    kept, left = b.split(b.relu_conv("x", 3, 8, 3), [4, 4], 1)
    y = b.relu_conv(left, 4, 4, 1)
    y = b.relu_conv(b.conv(y, 4, 4, 3, groups=4), 4, 4, 1)
    y = b.reshape(b.node("Concat", [kept, y], axis=1), 1, 2, 4, 8, 8)
    y = b.reshape(b.transpose(y, 0, 2, 1, 3, 4), 1, 8, 8, 8)
    return {"x": (1, 3, 8, 8)}, [b.node("ReduceMean", [y], axes=[2, 3], keepdims=0)]


def dense_block(b: Zoo) -> Ends:
    """DenseNet: a normalization that no convolution can take in, all features joined."""
    features, channels = b.relu_conv("x", 3, 8, 3), 8
    for _ in range(2):
        variance = b.random.uniform(0.5, 1.5, channels)
        names = [b.drawn(channels, mean=1.0), b.drawn(channels), b.drawn(channels)]
        names.append(b.constant(f"variance{len(b.constants)}", variance))
        normal = b.node("Relu", [b.node("BatchNormalization", [features, *names])])
        features = b.node("Concat", [features, b.conv(normal, channels, 4, 3)], axis=1)
        channels += 4
    y = b.node("AveragePool", [features], kernel_shape=[2, 2], strides=[2, 2])
    return {"x": (1, 3, 8, 8)}, [y]


def inception(b: Zoo) -> Ends:
    """Branches of several windows, one of them a pooling that counts its padding."""
    pooled = b.node("AveragePool", ["x"], kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
    tall = b.node("Conv", ["x", b.weights((4, 6, 3, 1)), b.drawn(4)], pads=[1, 0, 1, 0])
    wide = b.node("Conv", ["x", b.weights((4, 6, 1, 3)), b.drawn(4)], pads=[0, 1, 0, 1])
    parts = [b.relu_conv(pooled, 6, 4, 1), b.node("Relu", [tall]), b.node("Relu", [wide])]
    return {"x": (1, 6, 9, 9)}, [b.conv(b.node("Concat", parts, axis=1), 12, 4, 1)]


def squeeze_excite(b: Zoo) -> Ends:
    """MobileNet v3 and EfficientNet: hard-swish, channels weighed by a small network."""
    x = b.node("HardSwish", [b.conv("x", 3, 8, 3, stride=2)])
    x = b.silu_conv(x, 8, 8, 5, groups=8)
    mean = b.node("GlobalAveragePool", [x])
    weight = b.node("HardSigmoid", [b.conv(b.relu_conv(mean, 8, 4, 1), 4, 8, 1)], alpha=1 / 6)
    y = b.conv(b.node("Mul", [x, weight]), 8, 8, 1)
    return {"x": (1, 3, 14, 14)}, [b.node("Add", [y, x])]


def convnext(b: Zoo) -> Ends:
    """A depthwise convolution, then a transformer's layer on pixels, scaled and added."""
    x = b.conv("x", 3, 16, 4, stride=4)
    y = b.normal(b.transpose(b.conv(x, 16, 16, 7, groups=16), 0, 2, 3, 1), 16)
    y = b.dense(b.gelu(b.dense(y, 16, 32, gemm=False)), 32, 16, gemm=False)
    y = b.transpose(b.node("Mul", [y, b.drawn(16, mean=0.5)]), 0, 3, 1, 2)
    return {"x": (1, 3, 16, 16)}, [b.node("Add", [x, y])]


def vit(b: Zoo) -> Ends:
    """Patches, a class token, positions, attention, an MLP, the class token's output."""
    y = b.transpose(b.reshape(b.conv("x", 3, 16, 4, stride=4), 1, 16, 25), 0, 2, 1)
    y = b.node("Concat", [b.drawn(1, 1, 16), y], axis=1)
    y = b.node("Add", [y, b.drawn(1, 26, 16)])
    y = b.node("Add", [y, b.attention(b.normal(y, 16), 26, 16, 2)])
    mixed = b.dense(b.gelu(b.dense(b.normal(y, 16), 16, 32, gemm=False)), 32, 16, gemm=False)
    y = b.normal(b.node("Add", [y, mixed]), 16)
    return {"x": (1, 3, 16, 16)}, [
        b.dense(b.node("Gather", [y, b.integers(0)], axis=1), 16, 4, False)
    ]


def swin(b: Zoo) -> Ends:
    """Windows of an image that is rolled, attention inside each, and patches that merge."""
    y = b.normal("x", 8)
    for axis in (1, 2):
        ends = (
            (b.integers(2), b.integers(8), b.integers(axis)),
            (b.integers(0), b.integers(2), b.integers(axis)),
        )
        y = b.node("Concat", [b.node("Slice", [y, *each]) for each in ends], axis=axis)
    windows = b.transpose(b.reshape(y, 1, 2, 4, 2, 4, 8), 0, 1, 3, 2, 4, 5)
    y = b.attention(b.reshape(windows, 1, 64, 8), 64, 8, 2)
    y = b.transpose(b.reshape(y, 1, 2, 2, 4, 4, 8), 0, 1, 3, 2, 4, 5)
    y = b.node("Add", ["x", b.reshape(y, 1, 8, 8, 8)])
    parts = []
    for row in range(2):
        for column in range(2):
            given = [b.integers(row, column), b.integers(8, 8), b.integers(1, 2), b.integers(2, 2)]
            parts.append(b.node("Slice", [y, *given]))
    return {"x": (1, 8, 8, 8)}, [b.dense(b.node("Concat", parts, axis=3), 32, 8, gemm=False)]


def aspp(b: Zoo) -> Ends:
    """DeepLab: dilated convolutions beside a global pooling, enlarged to the input's size."""
    x = b.relu_conv("x", 3, 8, 3, stride=2)
    parts = []
    for rate in (1, 2, 3):
        w = b.weights((4, 8, 3, 3))
        y = b.node("Conv", [x, w, b.drawn(4)], dilations=[rate] * 2, pads=[rate] * 4)
        parts.append(b.node("Relu", [y]))
    mean = b.relu_conv(b.node("GlobalAveragePool", [x]), 8, 4, 1)
    parts.append(b.node("Resize", [mean, "", "", b.integers(1, 4, 8, 8)], mode="linear"))
    y = b.conv(b.node("Concat", parts, axis=1), 16, 3, 1)
    return {"x": (1, 3, 16, 16)}, [
        b.node("Resize", [y, "", "", b.integers(1, 3, 16, 16)], mode="linear")
    ]


def unet(b: Zoo) -> Ends:
    """Down, up by a transposed convolution and by a resize, with the features of the way down."""
    first = b.relu_conv("x", 3, 8, 3)
    second = b.relu_conv(b.node("MaxPool", [first], kernel_shape=[2, 2], strides=[2, 2]), 8, 8, 3)
    third = b.relu_conv(second, 8, 16, 3, stride=2)
    up = b.node("ConvTranspose", [third, b.weights((16, 8, 2, 2)), b.drawn(8)], strides=[2, 2])
    y = b.relu_conv(b.node("Concat", [up, second], axis=1), 16, 8, 3)
    up = b.node("Resize", [y, "", b.real(1, 1, 2, 2)], mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric")  # fmt: skip
    y = b.relu_conv(b.node("Concat", [up, first], axis=1), 16, 8, 3)
    return {"x": (1, 3, 16, 16)}, [b.node("Sigmoid", [b.conv(y, 8, 2, 1)])]


def ssd(b: Zoo) -> Ends:
    """Boxes and classes of two feature maps, decoded by exp and products with priors."""
    maps = [b.relu_conv("x", 3, 8, 3, stride=2)]
    maps.append(b.relu_conv(maps[0], 8, 8, 3, stride=2))
    heads = []
    for width in (4, 3):
        flat = [b.reshape(b.transpose(b.conv(y, 8, 2 * width, 3), 0, 2, 3, 1), 1, -1, width)
                for y in maps]  # fmt: skip
        heads.append(b.node("Concat", flat, axis=1))
    place, size = b.split(heads[0], [2, 2], 2)
    place = b.node("Add", [b.node("Mul", [place, b.real(0.1)]), b.drawn(1, 160, 2)])
    size = b.node(
        "Mul", [b.node("Exp", [b.node("Mul", [size, b.real(0.2)])]), b.drawn(1, 160, 2, mean=1.0)]
    )
    scores = b.node("Softmax", [heads[1]], axis=-1)
    return {"x": (1, 3, 16, 16)}, [b.node("Concat", [place, size], axis=2), scores]


def yolo(b: Zoo) -> Ends:
    """SPPF, a feature pyramid, and boxes from a grid by Sigmoid, Mul, Add and Pow."""
    x = b.silu_conv("x", 3, 8, 3, stride=2)
    deep = b.silu_conv(x, 8, 8, 3, stride=2)
    pools = [b.silu_conv(deep, 8, 4, 1)]
    for _ in range(3):
        pools.append(b.node("MaxPool", [pools[-1]], kernel_shape=[5, 5], pads=[2] * 4))
    deep = b.silu_conv(b.node("Concat", pools, axis=1), 16, 8, 1)
    up = b.node("Resize", [deep, "", b.real(1, 1, 2, 2)], mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric")  # fmt: skip
    y = b.conv(b.node("Concat", [up, x], axis=1), 16, 14, 1)
    y = b.transpose(b.reshape(y, 1, 2, 7, 8, 8), 0, 1, 3, 4, 2)
    place, size, rest = b.split(b.node("Sigmoid", [y]), [2, 2, 3], 4)
    place = b.node("Add", [b.node("Mul", [place, b.real(2.0)]), b.drawn(1, 1, 8, 8, 2, spread=3.0)])
    size = b.node("Pow", [b.node("Mul", [size, b.real(2.0)]), b.real(2.0)])
    return {"x": (1, 3, 16, 16)}, [
        b.reshape(b.node("Concat", [place, size, rest], axis=4), 1, -1, 7)
    ]


def audio(b: Zoo) -> Ends:
    """Separable and dilated 1-D convolutions over a spectrogram, with a shortcut."""
    x = b.node("Relu", [b.conv1d("x", 6, 8, 5, strides=[2], pads=[2, 2])])
    y = b.conv1d(x, 8, 8, 9, pads=[8, 8], dilations=[2], group=8)
    y = b.node("Relu", [b.conv1d(y, 8, 8, 1)])
    y = b.node("MaxPool", [b.node("Add", [x, y])], kernel_shape=[3], strides=[2], pads=[1, 1])
    y = b.node("AveragePool", [y], kernel_shape=[2], strides=[2])
    return {"x": (1, 6, 40)}, [b.dense(b.node("Flatten", [y]), 40, 4)]


def wavenet(b: Zoo) -> Ends:
    """Causal dilated 1-D convolutions with gates and sums of skips."""
    x, skips = b.conv1d("x", 1, 8, 1), []
    for rate in (1, 2, 4):
        padded = b.node("Pad", [x, b.integers(0, 0, rate, 0, 0, 0)])
        both = b.conv1d(padded, 8, 16, 2, dilations=[rate])
        tanh, gate = b.split(both, [8, 8], 1)
        y = b.node("Mul", [b.node("Tanh", [tanh]), b.node("Sigmoid", [gate])])
        y = b.conv1d(y, 8, 8, 1)
        skips.append(y)
        x = b.node("Add", [x, y])
    total = b.node("Add", [b.node("Add", skips[:2]), skips[2]])
    return {"x": (1, 1, 40)}, [b.conv1d(b.node("Relu", [total]), 8, 4, 1)]


def autoencoder(b: Zoo) -> Ends:
    """Strided convolutions down to a code, transposed ones back."""
    y = b.relu_conv(b.relu_conv("x", 1, 4, 3, stride=2), 4, 8, 3, stride=2)
    code = b.node("Relu", [b.dense(b.node("Flatten", [y]), 128, 10)])
    y = b.reshape(b.node("Relu", [b.dense(code, 10, 128)]), 1, 8, 4, 4)
    for channels, filters in ((8, 4), (4, 1)):
        w = b.weights((channels, filters, 4, 4))
        y = b.node("ConvTranspose", [y, w, b.drawn(filters)], strides=[2, 2], pads=[1] * 4)
    return {"x": (1, 1, 16, 16)}, [b.node("Sigmoid", [y])]


def style(b: Zoo) -> Ends:
    """Mirrored borders, instance normalization, an enlargement."""
    y = "x"
    for channels, filters in ((3, 8), (8, 8)):
        y = b.node("Pad", [y, b.integers(0, 0, 1, 1, 0, 0, 1, 1)], mode="reflect")
        y = b.node("Conv", [y, b.weights((filters, channels, 3, 3)), b.drawn(filters)])
        y = b.node("InstanceNormalization", [y, b.drawn(filters, mean=1.0), b.drawn(filters)])
        y = b.node("Relu", [y])
    y = b.node("Resize", [y, "", b.real(1, 1, 2, 2)], mode="linear")
    return {"x": (1, 3, 10, 12)}, [b.conv(y, 8, 3, 3)]


def super_resolution(b: Zoo) -> Ends:
    """Parametric and leaky ReLU, pixels from channels, the input enlarged beside it."""
    y = b.node("PRelu", [b.conv("x", 1, 8, 3), b.drawn(8, 1, 1)])
    y = b.node("Add", [b.node("LeakyRelu", [b.conv(y, 8, 8, 3)], alpha=0.1), y])
    y = b.node("DepthToSpace", [b.conv(y, 8, 4, 3)], blocksize=2, mode="CRD")
    big = b.node("Resize", ["x", "", b.real(1, 1, 2, 2)], mode="linear")
    return {"x": (1, 1, 9, 11)}, [b.node("Add", [y, big])]


def mixer(b: Zoo) -> Ends:
    """An MLP over tokens, then one over channels."""
    y = b.normal("x", 12)
    y = b.transpose(
        b.dense(b.gelu(b.dense(b.transpose(y, 0, 2, 1), 16, 8, False)), 8, 16, False), 0, 2, 1
    )
    x = b.node("Add", ["x", y])
    y = b.dense(b.gelu(b.dense(b.normal(x, 12), 12, 24, False)), 24, 12, False)
    y = b.node("ReduceMean", [b.node("Add", [x, y])], axes=[1], keepdims=0)
    return {"x": (1, 16, 12)}, [b.dense(y, 12, 5)]


def alexnet(b: Zoo) -> Ends:
    """Local response normalization between convolutions, one of them in two groups."""
    y = b.node("LRN", [b.relu_conv("x", 3, 8, 5, stride=2)], size=5, alpha=1e-2, bias=2.0)
    y = b.node("MaxPool", [y], kernel_shape=[3, 3], strides=[2, 2])
    y = b.node("Flatten", [b.relu_conv(y, 8, 8, 3, groups=2)])
    return {"x": (1, 3, 17, 17)}, [b.dense(y, 128, 4)]


def crnn(cell: str, gates: int) -> Callable[[Zoo], Ends]:
    """Convolutions over a spectrogram, a recurrent layer both ways over its columns."""

    def build(b: Zoo) -> Ends:
        y = b.relu_conv("x", 1, 4, 3, stride=2)
        y = b.reshape(b.transpose(y, 2, 0, 1, 3), 8, 1, 20)
        weights = [b.drawn(2, gates * 6, 20), b.drawn(2, gates * 6, 6), b.drawn(2, gates * 12)]
        y = b.node(cell, [y, *weights], hidden_size=6, direction="bidirectional")
        y = b.reshape(b.transpose(y, 0, 2, 1, 3), 8, 12)
        return {"x": (1, 1, 16, 10)}, [b.dense(y, 12, 4)]

    return build


NETWORKS: dict[str, Callable[[Zoo], Ends]] = {
    "alexnet": alexnet,
    "aspp": aspp,
    "audio": audio,
    "autoencoder": autoencoder,
    "convnext": convnext,
    "crnn with gru": crnn("GRU", 3),
    "crnn with lstm": crnn("LSTM", 4),
    "dense block": dense_block,
    "fire": fire,
    "inception": inception,
    "mixer": mixer,
    "shuffle": shuffle,
    "squeeze and excite": squeeze_excite,
    "ssd": ssd,
    "style": style,
    "super-resolution": super_resolution,
    "swin": swin,
    "unet": unet,
    "vit": vit,
    "wavenet": wavenet,
    "yolo": yolo,
}


def network(name: str) -> onnx.ModelProto:
    """The float model `name`."""
    builder = Zoo(seed=len(name))
    return builder.finished(NETWORKS[name](builder))

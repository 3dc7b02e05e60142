"""The small networks that are trained, as tables: convolutions, then a mean and a classifier.

A layer's output is relu(conv(x) + output of an earlier layer, if any). Which framework computes it,
and whether each convolution has a BatchNorm behind it in training, is not said here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conv:
    """relu(conv(x) + bias + output of layer `skip`, if any); padded to ceil(size / stride)."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    depthwise: bool = False
    skip: str = ""

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(outputs, inputs of a filter, rows, columns), as ONNX and PyTorch order them."""
        return self.outputs, 1 if self.depthwise else self.inputs, self.kernel, self.kernel


@dataclass(frozen=True)
class Network:
    """Images of (channels, rows, columns) through `layers` one after the other to `classes`."""

    name: str
    image: tuple[int, int, int]
    layers: tuple[Conv, ...]
    classes: int = 10

    @property
    def features(self) -> int:
        """Numbers that the classifier sees: channels of the last layer."""
        return self.layers[-1].outputs


DIGITS = Network(
    "digits",
    (1, 8, 8),
    (
        Conv("stem", 1, 16),
        Conv("widen", 16, 32),
        Conv("block1_depthwise", 32, 32, depthwise=True),
        Conv("block1_pointwise", 32, 32, kernel=1, skip="widen"),
        Conv("down_depthwise", 32, 32, stride=2, depthwise=True),
        Conv("down_pointwise", 32, 64, kernel=1),
        Conv("block2_conv", 64, 64, skip="down_pointwise"),
    ),
)
"""The network that npusim bundles: 46 186 weights and biases."""

MNIST = Network(
    "mnist",
    (1, 28, 28),
    (
        Conv("stem", 1, 16, stride=2),
        Conv("down", 16, 32, stride=2),
        Conv("middle", 32, 32, skip="down"),
        Conv("last", 32, 64, stride=2),
    ),
)
"""A small convolutional network for images of 28 x 28."""

NETWORKS = {network.name: network for network in (DIGITS, MNIST)}

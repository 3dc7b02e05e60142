"""MobileNet v1 (Howard et al., 2017) and v2 (Sandler et al., 2018), width 1.0, 224x224 images.

v1 is the network of the paper, padded as TensorFlow does, with ReLU6 as in the authors' own code.
v2 is torchvision's.
"""

from __future__ import annotations

from collections.abc import Iterator

from npusim.ir.graph import Graph
from npusim.models.builder import Builder
from npusim.models.functions import RELU6
from npusim.models.inverted_residual import InvertedResidual
from npusim.models.network import Network, Published

CLASSES = 1000

V1_LAYERS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
"""Output channels and stride of each depthwise separable convolution (the paper's table 1; the
last stride, printed as 2 there, is 1: the image stays 7x7)."""

V2_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, output channels, blocks, stride of the first one (the paper's table 2)."""


def mobilenet_v1() -> Graph:
    """13 depthwise separable convolutions."""
    build = Builder("mobilenet-v1", same_padding=True)
    x = build.conv(build.input("image", 1, 224, 224, 3), "conv0", 32, 3, 2, RELU6)
    for at, (channels, stride) in enumerate(V1_LAYERS, start=1):
        x = build.depthwise(x, f"conv{at}.depthwise", 3, stride, RELU6)
        x = build.conv(x, f"conv{at}.pointwise", channels, 1, 1, RELU6)
    x = build.global_mean(x, "avgpool")
    return build.graph(build.fully_connected(x, "fc", CLASSES))


def _v2_blocks(channels: int) -> Iterator[InvertedResidual]:
    for expansion, widths, blocks, first_stride in V2_STAGES:
        for at in range(blocks):
            stride = first_stride if at == 0 else 1
            yield InvertedResidual(expansion * channels, widths, 3, stride)
            channels = widths


def mobilenet_v2() -> Graph:
    """17 inverted residuals."""
    build = Builder("mobilenet-v2")
    x = build.conv(build.input("image", 1, 224, 224, 3), "features.0", 32, 3, 2, RELU6)
    for at, block in enumerate(_v2_blocks(32), start=1):
        x = block.add_to(build, x, f"features.{at}")
    x = build.conv(x, "features.18", 1280, 1, 1, RELU6)
    x = build.global_mean(x, "avgpool")
    return build.graph(build.fully_connected(x, "classifier", CLASSES))


NETWORKS = (
    Network(
        "mobilenet-v1", "image classification, 1000 classes; width 1.0", mobilenet_v1,
        Published(
            569e6, 4.2e6, "Howard et al., MobileNets, arXiv 1704.04861, table 4",
            "convolutions and the classifier; the parameters are printed with two digits",
        ),
    ),
    Network(
        "mobilenet-v2", "image classification, 1000 classes; width 1.0", mobilenet_v2,
        Published(
            0.301e9, 3_504_872,
            "torchvision, MobileNet_V2_Weights.IMAGENET1K_V1 (_ops, num_params)",
            "convolutions and the classifier; parameters with those of batch normalization (two a "
            "channel, here one bias)",
        ),
    ),
)  # fmt: skip

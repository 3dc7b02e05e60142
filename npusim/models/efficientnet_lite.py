"""EfficientNet-lite0 for 224x224 images: EfficientNet-B0 without excitation, with ReLU6.

Structure: tensorflow/tpu, models/official/efficientnet/lite; padding as TensorFlow does.
"""

from __future__ import annotations

from npusim.ir.graph import Graph
from npusim.models.builder import Builder
from npusim.models.functions import RELU6
from npusim.models.inverted_residual import InvertedResidual
from npusim.models.network import Network, Published

CLASSES = 1000

STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
)  # fmt: skip
"""Expansion, taps, stride of the first block, output channels, blocks."""


def efficientnet_lite0() -> Graph:
    """16 inverted residuals with 3x3 and 5x5 filters."""
    build = Builder("efficientnet-lite0", same_padding=True)
    x = build.conv(build.input("image", 1, 224, 224, 3), "stem", 32, 3, 2, RELU6)
    for stage, (expansion, taps, first_stride, channels, blocks) in enumerate(STAGES):
        for at in range(blocks):
            stride = first_stride if at == 0 else 1
            block = InvertedResidual(expansion * x.shape[3], channels, taps, stride)
            x = block.add_to(build, x, f"blocks.{stage}.{at}")
    x = build.conv(x, "head", 1280, 1, 1, RELU6)
    x = build.global_mean(x, "avgpool")
    return build.graph(build.fully_connected(x, "fc", CLASSES))


NETWORKS = (
    Network(
        "efficientnet-lite0", "image classification, 1000 classes", efficientnet_lite0,
        Published(
            0.386e9, 4_652_008,
            "torchvision, EfficientNet_B0_Weights.IMAGENET1K_V1 (_ops) for the MACs; keras-hub, "
            "efficientnet_lite0_ra_imagenet, for the parameters",
            "convolutions and the classifier: EfficientNet-B0 has the same ones, and 0.6 M MACs of "
            "squeeze and excitation; the authors' own 407 M (tensorflow/tpu) is 22 M more than the "
            "convolutions of this structure have; parameters with those of batch normalization "
            "(two a channel, here one bias)",
        ),
    ),
)  # fmt: skip

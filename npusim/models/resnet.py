"""ResNet-18 and ResNet-50 for 224x224 images (He et al., 2015), as torchvision has them.

ResNet-50 is the variant called v1.5: a stage's stride lies on its first 3x3 convolution. Batch
normalization is folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from npusim.ir.graph import Graph
from npusim.models.builder import Builder, Value
from npusim.models.functions import RELU
from npusim.models.network import Network, Published

Block = Callable[[Builder, Value, str, int, int], Value]
"""(builder, input, name, width, stride) -> output."""

WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
CLASSES = 1000


def _basic(build: Builder, x: Value, name: str, width: int, stride: int) -> Value:
    y = build.conv(x, f"{name}.conv1", width, 3, stride, RELU)
    y = build.conv(y, f"{name}.conv2", width, 3)
    return build.add(y, _shortcut(build, x, name, width, stride), f"{name}.add", RELU)


def _bottleneck(build: Builder, x: Value, name: str, width: int, stride: int) -> Value:
    channels = EXPANSION * width
    y = build.conv(x, f"{name}.conv1", width, 1, 1, RELU)
    y = build.conv(y, f"{name}.conv2", width, 3, stride, RELU)
    y = build.conv(y, f"{name}.conv3", channels)
    return build.add(y, _shortcut(build, x, name, channels, stride), f"{name}.add", RELU)


def _shortcut(build: Builder, x: Value, name: str, channels: int, stride: int) -> Value:
    if stride == 1 and x.shape[3] == channels:
        return x
    return build.conv(x, f"{name}.downsample", channels, 1, stride)


def _resnet(name: str, block: Block, depths: Sequence[int]) -> Graph:
    build = Builder(name)
    x = build.conv(build.input("image", 1, 224, 224, 3), "conv1", 64, 7, 2, RELU)
    x = build.max_pool(x, "maxpool", 3, 2)
    for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
        for at in range(depth):
            stride = 2 if at == 0 and stage > 1 else 1
            x = block(build, x, f"layer{stage}.{at}", width, stride)
    x = build.global_mean(x, "avgpool")
    return build.graph(build.fully_connected(x, "fc", CLASSES))


def resnet_18() -> Graph:
    """11.7 million parameters, two 3x3 convolutions a block."""
    return _resnet("resnet-18", _basic, (2, 2, 2, 2))


def resnet_50() -> Graph:
    """25.6 million parameters, three convolutions a block."""
    return _resnet("resnet-50", _bottleneck, (3, 4, 6, 3))


_COUNTS = (
    "convolutions and the classifier; parameters with those of batch normalization (two a channel, "
    "here one bias)"
)

NETWORKS = (
    Network(
        "resnet-18", "image classification, 1000 classes", resnet_18,
        Published(
            1.814e9, 11_689_512, "torchvision, ResNet18_Weights.IMAGENET1K_V1 (_ops, num_params)",
            _COUNTS,
        ),
    ),
    Network(
        "resnet-50", "image classification, 1000 classes; v1.5", resnet_50,
        Published(
            4.089e9, 25_557_032, "torchvision, ResNet50_Weights.IMAGENET1K_V2 (_ops, num_params)",
            _COUNTS,
        ),
    ),
)  # fmt: skip

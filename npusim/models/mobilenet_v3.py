"""MobileNet v3, large and small (Howard et al., 2019), for 224x224 images, from torchvision."""

from __future__ import annotations

from collections.abc import Sequence

from npusim.ir.graph import Graph
from npusim.models.builder import Builder
from npusim.models.functions import HARD_SWISH, RELU
from npusim.models.inverted_residual import InvertedResidual
from npusim.models.network import Network, Published

CLASSES = 1000
SQUEEZE = 4
DIVISOR = 8

Row = tuple[int, int, int, bool, bool, int]
"""Taps, expanded channels, output channels, excited, hard-swish (else ReLU), stride."""

LARGE: tuple[Row, ...] = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1),
)  # fmt: skip
"""The paper's table 1."""

SMALL: tuple[Row, ...] = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2), (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
)  # fmt: skip
"""The paper's table 2."""


def _squeezed(expanded: int) -> int:
    """A quarter, to the nearest multiple of 8, of which at most a tenth is lost."""
    wanted = expanded / SQUEEZE
    rounded = max(DIVISOR, int(wanted + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * wanted else rounded


def _mobilenet_v3(name: str, rows: Sequence[Row], last: int, hidden: int) -> Graph:
    """`last` channels before the pooling, `hidden` units behind it."""
    build = Builder(name)
    x = build.conv(build.input("image", 1, 224, 224, 3), "features.0", 16, 3, 2, HARD_SWISH)
    for at, (taps, expanded, channels, excited, swish, stride) in enumerate(rows, start=1):
        activation = HARD_SWISH if swish else RELU
        squeezed = _squeezed(expanded) if excited else 0
        block = InvertedResidual(expanded, channels, taps, stride, activation, squeezed)
        x = block.add_to(build, x, f"features.{at}")
    x = build.conv(x, f"features.{len(rows) + 1}", last, 1, 1, HARD_SWISH)
    x = build.global_mean(x, "avgpool")
    x = build.fully_connected(x, "classifier.0", hidden, HARD_SWISH)
    return build.graph(build.fully_connected(x, "classifier.3", CLASSES))


def mobilenet_v3_large() -> Graph:
    """15 blocks, 8 of them with squeeze and excitation."""
    return _mobilenet_v3("mobilenet-v3-large", LARGE, 960, 1280)


def mobilenet_v3_small() -> Graph:
    """11 blocks, 9 of them with squeeze and excitation."""
    return _mobilenet_v3("mobilenet-v3-small", SMALL, 576, 1024)


_COUNTS = (
    "convolutions, those of squeeze and excitation among them, and the classifier; parameters with "
    "those of batch normalization (two a channel, here one bias)"
)

NETWORKS = (
    Network(
        "mobilenet-v3-large", "image classification, 1000 classes", mobilenet_v3_large,
        Published(
            0.217e9, 5_483_032,
            "torchvision, MobileNet_V3_Large_Weights.IMAGENET1K_V2 (_ops, num_params)", _COUNTS,
        ),
    ),
    Network(
        "mobilenet-v3-small", "image classification, 1000 classes", mobilenet_v3_small,
        Published(
            0.057e9, 2_542_856,
            "torchvision, MobileNet_V3_Small_Weights.IMAGENET1K_V1 (_ops, num_params)", _COUNTS,
        ),
    ),
)  # fmt: skip

"""DeiT-tiny for 224x224 images in patches of 16x16 (Touvron et al., 2020), without distillation."""

from __future__ import annotations

from npusim.ir.graph import Graph
from npusim.models.builder import Builder
from npusim.models.network import Network, Published
from npusim.models.transformer import Encoder

SIZE = 224
PATCH = 16
WIDTH = 192
HEADS = 3
DEPTH = 12
HIDDEN = 4 * WIDTH
CLASSES = 1000
EPSILON = 1e-6


def deit_tiny() -> Graph:
    """12 layers of width 192 on 196 patches and a class token."""
    build = Builder("deit-tiny")
    no_padding = (0, 0, 0, 0)
    image = build.input("image", 1, SIZE, SIZE, 3)
    x = build.conv(image, "patch_embed", WIDTH, PATCH, PATCH, padding=no_padding)
    x = build.reshape(x, "patches", 1, (SIZE // PATCH) ** 2, WIDTH)
    x = build.concat([build.constant("cls_token", 1, 1, WIDTH), x], "tokens", axis=1)
    x = build.add(x, build.constant("pos_embed", *x.shape), "embedded")
    encoder = Encoder(build, WIDTH, HEADS, HIDDEN, EPSILON, first=True)
    for at in range(DEPTH):
        x = encoder.layer(x, f"blocks.{at}")
    x = build.part(build.layer_norm(x, "norm", EPSILON), "class", 1, 0, 1)
    x = build.reshape(x, "class.row", 1, WIDTH)
    return build.graph(build.fully_connected(x, "head", CLASSES))


NETWORKS = (
    Network(
        "deit-tiny", "image classification, 1000 classes; vision transformer", deit_tiny,
        Published(
            1.26e9, 5.72e6,
            "timm, results/benchmark-infer-amp-nhwc-pt240-cu124-rtx4090.csv, deit_tiny_patch16_224",
            "all matrix products, those of attention among them; parameters with embeddings and "
            "normalization",
        ),
    ),
)  # fmt: skip

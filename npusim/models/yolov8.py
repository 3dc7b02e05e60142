"""YOLOv8n, object detection on 640x640 images, 80 classes (Ultralytics, yolov8.yaml, scale n).

The graph ends at the six raw maps of the detection head: for each of three scales the distributions
of the four distances to a box's sides (16 bins each), and the class scores before their sigmoid.
"""

from __future__ import annotations

from dataclasses import dataclass

from npusim.ir.graph import Graph
from npusim.models.builder import Builder, Value
from npusim.models.functions import SILU
from npusim.models.network import Network, Published

SIZE = 640
CLASSES = 80
BINS = 16
BOX_WIDTH = 4 * BINS
CLASS_WIDTH = 80
POOL = 5


@dataclass(frozen=True)
class _Layers:
    """The blocks of which backbone, neck and head consist; `x` is an image, `name` its layer."""

    build: Builder

    def conv(self, x: Value, name: str, channels: int, taps: int = 1, stride: int = 1) -> Value:
        """A convolution with SiLU."""
        return self.build.conv(x, name, channels, taps, stride, SILU)

    def c2f(self, x: Value, name: str, channels: int, repeats: int, shortcut: bool) -> Value:
        """Half of the channels go through `repeats` bottlenecks; all results are joined.

        Both halves are joined, so the concatenation takes the tensor before its division.
        """
        half = channels // 2
        both = self.conv(x, f"{name}.cv1", channels)
        parts = [both]
        y = self.build.part(both, f"{name}.half", -1, half, channels)
        for at in range(repeats):
            z = self.conv(y, f"{name}.m.{at}.cv1", half, 3)
            z = self.conv(z, f"{name}.m.{at}.cv2", half, 3)
            y = self.build.add(y, z, f"{name}.m.{at}.add") if shortcut else z
            parts.append(y)
        return self.conv(self.build.concat(parts, f"{name}.concat"), f"{name}.cv2", channels)

    def sppf(self, x: Value, name: str, channels: int) -> Value:
        """Three poolings one after the other, joined."""
        y = self.conv(x, f"{name}.cv1", channels // 2)
        parts = [y]
        for at in range(3):
            y = self.build.max_pool(y, f"{name}.m.{at}", POOL, 1)
            parts.append(y)
        return self.conv(self.build.concat(parts, f"{name}.concat"), f"{name}.cv2", channels)

    def up(self, x: Value, other: Value, name: str, channels: int) -> Value:
        """`x` at twice its size, joined with `other`."""
        wide = self.build.upsample(x, f"{name}.upsample", 2)
        joined = self.build.concat([wide, other], f"{name}.join")
        return self.c2f(joined, name, channels, 1, False)

    def down(self, x: Value, other: Value, name: str, channels: int) -> Value:
        """`x` at half its size, joined with `other`."""
        small = self.conv(x, f"{name}.down", x.shape[3], 3, 2)
        joined = self.build.concat([small, other], f"{name}.join")
        return self.c2f(joined, name, channels, 1, False)

    def head(self, x: Value, name: str) -> tuple[Value, Value]:
        """Raw distances [1, H, W, 64] and raw scores [1, H, W, 80]."""
        found = []
        branches = (("box", BOX_WIDTH, BOX_WIDTH), ("class", CLASS_WIDTH, CLASSES))
        for branch, width, outputs in branches:
            y = self.conv(x, f"{name}.{branch}.0", width, 3)
            y = self.conv(y, f"{name}.{branch}.1", width, 3)
            found.append(self.build.conv(y, f"{name}.{branch}", outputs))
        return found[0], found[1]


def yolov8n() -> Graph:
    """Backbone, neck and head; 3.2 million parameters."""
    build = Builder("yolov8n")
    layers = _Layers(build)
    x = layers.conv(build.input("image", 1, SIZE, SIZE, 3), "model.0", 16, 3, 2)
    x = layers.c2f(layers.conv(x, "model.1", 32, 3, 2), "model.2", 32, 1, True)
    eighth = layers.c2f(layers.conv(x, "model.3", 64, 3, 2), "model.4", 64, 2, True)
    sixteenth = layers.c2f(layers.conv(eighth, "model.5", 128, 3, 2), "model.6", 128, 2, True)
    x = layers.c2f(layers.conv(sixteenth, "model.7", 256, 3, 2), "model.8", 256, 1, True)
    deepest = layers.sppf(x, "model.9", 256)
    middle = layers.up(deepest, sixteenth, "model.12", 128)
    small = layers.up(middle, eighth, "model.15", 64)
    medium = layers.down(small, middle, "model.18", 128)
    large = layers.down(medium, deepest, "model.21", 256)
    outputs: list[Value] = []
    for at, x in enumerate((small, medium, large)):
        outputs += layers.head(x, f"model.22.{at}")
    return build.graph(*outputs)


NETWORKS = (
    Network(
        "yolov8n", "object detection, 80 classes, 640x640", yolov8n,
        Published(
            8.7e9 / 2, 3_151_904,
            "Ultralytics YOLOv8n, summary (fused): 3151904 parameters, 8.7 GFLOPs at 640x640",
            "half of the GFLOPs are multiply-accumulates; parameters are fused ones, with the 16 "
            "of the decoder",
        ),
        "decoding: the mean of each distance's distribution (DFL), anchors and strides, the "
        "sigmoid of the scores, and non-maximum suppression, which a host computes",
    ),
)  # fmt: skip

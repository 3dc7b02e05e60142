"""The block of MobileNet v2 and its descendants: expand, filter each channel, project, add.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018; squeeze and
excitation as in Howard et al., "Searching for MobileNetV3", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

from npusim.models.builder import Builder, Value
from npusim.models.functions import HARD_SIGMOID, RELU, RELU6, Nonlinearity


@dataclass(frozen=True)
class InvertedResidual:
    """`expanded` and `channels`: inside, and of the output; `squeezed` 0: no excitation."""

    expanded: int
    channels: int
    taps: int = 3
    stride: int = 1
    activation: Nonlinearity = RELU6
    squeezed: int = 0

    def add_to(self, build: Builder, x: Value, name: str) -> Value:
        """The block on `x`; its input is added where shapes agree."""
        y = x
        if self.expanded != x.shape[3]:
            y = build.conv(y, f"{name}.expand", self.expanded, 1, 1, self.activation)
        y = build.depthwise(y, f"{name}.depthwise", self.taps, self.stride, self.activation)
        if self.squeezed:
            y = self._excited(build, y, f"{name}.se")
        y = build.conv(y, f"{name}.project", self.channels)
        if self.stride == 1 and x.shape[3] == self.channels:
            y = build.add(y, x, f"{name}.add")
        return y

    def _excited(self, build: Builder, x: Value, name: str) -> Value:
        """Each channel times a factor in 0..1 that depends on all channels' means."""
        gate = build.global_mean(x, f"{name}.mean", keep_dims=True)
        gate = build.conv(gate, f"{name}.reduce", self.squeezed, 1, 1, RELU)
        gate = build.conv(gate, f"{name}.expand", self.expanded, 1, 1, HARD_SIGMOID)
        return build.mul(x, gate, f"{name}.mul")

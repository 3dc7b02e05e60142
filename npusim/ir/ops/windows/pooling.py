"""What maxima and averages over a window share: attributes, shapes and loops.

Input: x int8, uint8 or float32 [B, H, W, K] (or channels first). Output: [B, OY, OX, K].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.numerics.quantization import Activation


@dataclass(frozen=True)
class Pooling(Operator):
    """Attributes of a pooling."""

    window: Window = field(default_factory=lambda: Window((2, 2)))
    activation: Activation = Activation.NONE
    channel_axis: int = -1

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, OY, OX, K] in the input's axis order."""
        x = inputs[0]
        assert x is not None
        return [self.window.output_shape(x, self.channel_axis)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One vector operation a tap."""
        return self.window.loop_nest(inputs, outputs)

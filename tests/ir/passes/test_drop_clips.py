"""A clamp goes where the quantization after it implies it, and stays otherwise."""

from __future__ import annotations

import pytest

from npusim.ir.ops.elements.clip import Clip
from npusim.ir.ops.elements.exp import Exp
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.passes.drop_clips import drop_clips
from tests.support.pass_graphs import Graphs, shown

WHOLE = [("exp", ("x",), "e"), ("clip", ("e",), "c"), ("quantize", ("c",), "y")]
WITHOUT = [("exp", ("x",), "e"), ("quantize", ("e",), "y")]


def _clipped(low: float, high: float, scale: float, zero: int) -> Graphs:
    g = Graphs()
    g.node(Exp(), [g.input("x", (4,))], "e")
    g.node(Clip(low, high), ["e"], "c")
    g.node(Quantize(), ["c"], "y", scale=scale, zero=zero)
    return g


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero", "expected"),
    [
        (0.0, 4.0, 4.0 / 255, 0, WITHOUT),
        (-3.0, 3.0, 0.02, 128, WITHOUT),
        (-2.56, float("inf"), 0.02, 128, WITHOUT),
        (0.0, 4.0, 4.01 / 255, 0, WHOLE),
        (0.0, 8.0, 4.0 / 255, 1, WHOLE),
    ],
)
def test_only_an_implied_clamp_goes(
    low: float, high: float, scale: float, zero: int, expected: list[tuple[object, ...]]
) -> None:
    assert shown(drop_clips(_clipped(low, high, scale, zero).graph("y"))) == expected


def test_a_clamp_that_others_read_stays() -> None:
    assert shown(drop_clips(_clipped(0.0, 4.0, 4.0 / 255, 0).graph("y", "c"))) == WHOLE

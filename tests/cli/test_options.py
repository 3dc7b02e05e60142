"""`--shape` texts."""

from __future__ import annotations

import pytest

from npusim.cli.options import parse_shapes
from npusim.errors import UsageError


def test_names_may_hold_anything_but_extents_are_numbers() -> None:
    shapes = parse_shapes(("input=1x3x224x224", "a=b:0=7"))
    assert shapes == {"input": (1, 3, 224, 224), "a=b:0": (7,)}


@pytest.mark.parametrize(
    "text", ["", "x", "=1x2", "x=", "x=1x", "x=1X2", "x=0", "x=-1", "x=1.5", "x=²", "x=" + "9" * 20]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="input=1x3x224x224"):
        parse_shapes((text,))


def test_every_mistake_is_reported() -> None:
    with pytest.raises(UsageError) as caught:
        parse_shapes(("x", "y=1", "y=2"))
    assert [problem.what for problem in caught.value.problems] == [
        "'x' is not NAME=EXTENTS, for example input=1x3x224x224",
        "'y' is given twice",
    ]

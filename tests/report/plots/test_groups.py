"""Bars of long networks: the finest blocks that there is room for, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from npusim.report.plots.groups import Group, groups_of

RESNET = [
    "conv1",
    *(f"layer{part}.{block}.conv{at}" for part in (1, 2) for block in (0, 1) for at in (1, 2, 3)),
    "fc",
]


def _labels(names: list[str], most: int, amounts: list[float] | None = None) -> list[str]:
    return [group.label for group in groups_of(names, amounts or [1.0] * len(names), most)]


def test_a_short_network_has_a_bar_a_layer() -> None:
    assert _labels(["a", "b/c", "b/d"], 2) == ["a", "b/c", "b/d"]


def test_the_finest_blocks_that_there_is_room_for_are_taken() -> None:
    assert _labels(RESNET, 6) == [
        "conv1", "layer1.0 (3)", "layer1.1 (3)", "layer2.0 (3)", "layer2.1 (3)", "fc",
    ]  # fmt: skip
    assert _labels(RESNET, 4) == ["conv1", "layer1 (6)", "layer2 (6)", "fc"]


def test_where_a_block_would_be_most_of_the_network_its_parts_are_shown() -> None:
    amounts = [1.0] + [10.0] * 6 + [1.0] * 6 + [1.0]
    assert _labels(RESNET, 4, amounts) == [
        "layer1.0 (3)", "layer1.1 (3)", "layer2.0 (3)", "layer2.1 (3)", "2 other layers",
    ]  # fmt: skip


def test_names_without_blocks_leave_the_costliest_and_the_others() -> None:
    names = [f"conv_{at}" for at in range(9)]
    amounts = [1.0, 9.0, 1.0, 1.0, 8.0, 1.0, 1.0, 1.0, 1.0]
    assert _labels(names, 2, amounts) == ["conv_1", "conv_4", "7 other layers"]


@pytest.mark.parametrize("slash", ["/", "."])
def test_separators_of_frameworks(slash: str) -> None:
    names = [slash.join(["", "net", f"block{at // 4}", f"op{at}"]) for at in range(12)]
    assert _labels(names, 4) == [f"net{slash}block{at} (4)" for at in range(3)]


NAMES = st.lists(st.text("ab/.", max_size=6), min_size=1, max_size=30)


@given(NAMES, st.integers(1, 8))
def test_every_layer_is_in_one_group(names: list[str], most: int) -> None:
    amounts = [float(at % 5) for at in range(len(names))]
    groups = groups_of(names, amounts, most)
    assert sorted(at for group in groups for at in group.layers) == list(range(len(names)))
    assert len(groups) <= most + 1
    assert all(isinstance(group, Group) and group.layers for group in groups)

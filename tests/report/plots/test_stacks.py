"""Stacked bars: what is drawn adds up to what the report says, long networks stay readable."""

from __future__ import annotations

import dataclasses
import math

import pytest

from npusim.report import Report
from npusim.report.layers import BOUND_BY
from npusim.report.types import Layer
from npusim.timing.causes import CAUSES
from tests.support.counted import report_of

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from npusim.energy.model import PARTS
from npusim.report.plots import causes, energy, stacks, style


def _bars(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def _drawn(axes: Axes) -> float:
    return math.fsum(bar.get_width() for bar in _bars(axes))


def _labels(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


@pytest.mark.parametrize("most", [1, 2, 20])
def test_bars_add_up_to_the_cycles_of_the_network(most: int) -> None:
    report = report_of()
    page = style.new_figure(style.SINGLE)
    causes.draw(page, report, "title", most)
    whole, layers = page.axes
    assert layers.get_xlabel() == "thousands of cycles"
    assert 1e3 * _drawn(layers) == pytest.approx(report.total.cycles)
    assert _drawn(whole) == pytest.approx(1)


def test_bars_add_up_to_the_energy_of_the_network() -> None:
    report = report_of()
    _, layers = energy.figure(report).axes
    size = {"mJ": 1e-3, "µJ": 1e-6, "nJ": 1e-9}[layers.get_xlabel().removeprefix("energy, ")]
    assert size * _drawn(layers) == pytest.approx(report.total.energy_j)


def test_each_part_has_its_length_and_its_colour() -> None:
    report = report_of()
    whole, _ = energy.figure(report).axes
    lengths = {bar.get_facecolor(): bar.get_width() for bar in _bars(whole)}
    for part, joules in report.total.energy_j_by_part.items():
        if joules > stacks.SMALL * report.total.energy_j:
            share = lengths[to_rgba(style.PART_COLOURS[part])]
            assert share == pytest.approx(joules / report.total.energy_j)


def _long_report() -> Report:
    """A report of 60 layers, the 10th and the 20th slower than all others."""
    short = report_of()
    layer = short.layers[1]
    slow = {9, 19}
    layers = tuple(_scaled(layer, 5.0 if at in slow else 1.0, f"layer{at}") for at in range(60))
    return dataclasses.replace(short, layers=layers)


def _scaled(layer: Layer, factor: float, name: str) -> Layer:
    by_cause = {cause: factor * value for cause, value in layer.cycles_by_cause.items()}
    return dataclasses.replace(
        layer, name=name, cycles=factor * layer.cycles, cycles_by_cause=by_cause
    )


def test_a_long_network_shows_its_slowest_layers_in_order_and_the_rest_as_one() -> None:
    page = style.new_figure(style.SINGLE)
    causes.draw(page, _long_report(), "title", 2)
    assert _labels(page.axes[1]) == ["layer9", "layer19", "58 other layers"]


def test_a_single_layer_left_over_keeps_its_name() -> None:
    assert style.costliest([3.0, 1.0, 2.0, 5.0], 3) == ([0, 1, 2, 3], [])
    assert style.costliest([3.0, 1.0, 2.0, 5.0], 2) == ([0, 3], [1, 2])


def test_names_are_cut_to_what_tells_them_apart() -> None:
    names = ["block_1/expand/Relu6", "block_1/add", "conv/Relu6", "conv2", "conv2"]
    assert style.beginnings(names) == ["block_1/expand", "block_1/add", "conv", "conv2", "conv2"]
    assert style.beginnings(["a", "a/b"]) == ["a", "a/b"]


def test_everything_that_a_report_can_hold_has_a_colour() -> None:
    assert list(style.CAUSE_COLOURS) == list(CAUSES)
    assert set(style.PART_COLOURS) == set(PARTS)
    assert set(style.BOUND_COLOURS) == {*BOUND_BY.values(), "none"}


def test_a_group_has_the_colour_of_one_of_its_causes() -> None:
    for word, colour in style.BOUND_COLOURS.items():
        tones = {style.CAUSE_COLOURS[cause] for cause, group in BOUND_BY.items() if group == word}
        assert word == "none" or colour in tones


def test_text_on_a_bar_can_be_read() -> None:
    assert stacks.ink_on(style.BLACK) == stacks.ink_on(style.BLUE) == "white"
    assert stacks.ink_on(style.YELLOW) == stacks.ink_on(style.LIGHT_GREY) == "black"


def test_small_parts_are_drawn_together_and_one_alone_keeps_its_name() -> None:
    shares = {"a": [990.0], "b": [2.0], "c": [1.0], "d": [0.0]}
    assert stacks._with_small_ones_together(shares) == {"a": [990.0], "other": [3.0]}
    assert list(stacks._with_small_ones_together({"a": [990.0], "b": [2.0]})) == ["a", "b"]

"""Every cause and every dataflow has its words, and they are those of the layer."""

from __future__ import annotations

from dataclasses import replace

import pytest

import npusim
from npusim.cost.array import DATAFLOWS
from npusim.explain import explain
from npusim.explain.mechanisms import CAUSE_WORDS as OF_DATAFLOW
from npusim.explain.mechanisms import DATAFLOW_WORDS, stripes_words
from npusim.explain.words import CAUSE_WORDS
from npusim.hardware.mac_array import DATAFLOWS as OF_STYLE
from npusim.timing.causes import CAUSES


def test_every_cause_and_every_dataflow_has_words() -> None:
    assert set(CAUSE_WORDS) == set(CAUSES)
    assert set(DATAFLOWS) <= set(DATAFLOW_WORDS)
    assert {name for names in OF_STYLE.values() for name in names} == set(DATAFLOWS)
    assert {cause for cause, _ in OF_DATAFLOW} <= set(CAUSES)
    assert {dataflow for _, dataflow in OF_DATAFLOW} <= set(DATAFLOW_WORDS)


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "axelera-metis"])
def test_the_words_of_a_layer_name_its_dataflow_and_its_largest_cause(preset: str) -> None:
    report = npusim.simulate("digits", preset)
    array = npusim.load_hardware(preset).mac_array
    layer = max((x for x in report.layers if x.dataflow), key=lambda x: x.cycles)
    words = explain("digits", preset, layer.name).words
    sentence = DATAFLOW_WORDS[layer.dataflow or ""].format(rows=array.rows, cols=array.cols)
    assert sentence in words
    cause = max(layer.cycles_by_cause, key=lambda name: layer.cycles_by_cause[name])
    own = OF_DATAFLOW.get((cause, layer.dataflow or ""), CAUSE_WORDS[cause])
    assert any(text.startswith("Largest cause") and text.endswith(own) for text in words)


def test_a_layer_in_stripes_says_so() -> None:
    layer = npusim.simulate("digits", "edge-npu-1").layers[-1]
    assert stripes_words(replace(layer, stripes=1)) == ""
    assert "It runs in 7 stripes of rows" in stripes_words(replace(layer, stripes=7))

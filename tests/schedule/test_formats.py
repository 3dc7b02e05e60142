"""Each step on the array runs at the rate of its own number formats, or says what it ran as."""

from __future__ import annotations

import dataclasses

import pytest

from npusim.energy.model import energy_of
from npusim.ir.graph import Graph
from npusim.numerics.formats import INT4, INT8, INT16, Format
from npusim.report import Report, build_report
from npusim.report.summary import layer_cells
from npusim.schedule.tables import HOST
from npusim.timing.counts import count
from tests.support.graphs import Build
from tests.support.machines import machine_with, tiny
from tests.support.programs import program_of


def _two_layers(x: Format, first: Format, second: Format) -> Graph:
    """Two equal convolutions with weights of these formats, activations in that of `x`."""
    build = Build()
    inner = build.conv(build.input(1, 6, 6, 16), 16, (3, 3), padding=(1, 1, 1, 1))
    build.conv(inner, 16, (3, 3), padding=(1, 1, 1, 1))
    graph = build.graph()
    weights = dict(zip([node.inputs[1] for node in graph.nodes], (first, second), strict=True))
    tensors = {
        name: dataclasses.replace(tensor, format=weights.get(name, x))
        for name, tensor in graph.tensors.items()
    }
    return dataclasses.replace(graph, tensors=tensors)


def _report(graph: Graph, preset: str) -> Report:
    counts = count(program_of(graph, machine_with(preset)))
    return build_report(counts, energy_of(counts))


def _headers(report: Report) -> list[str]:
    return [column.header for column in layer_cells(report)]


def test_narrow_weights_run_at_their_own_rate() -> None:
    program = program_of(_two_layers(INT8, INT8, INT4), tiny())
    assert [step.pair for step in program.steps] == ["int8*int8", "int8*int4"]
    assert program.table["mac_rate"].tolist() == [1.0, 2.0]
    wide, narrow = count(program).steps
    assert wide.array_busy_cycles >= wide.issued_macs / 16
    assert narrow.issued_macs / 32 <= narrow.array_busy_cycles < wide.issued_macs / 16


def test_weights_without_a_rate_run_as_wider_ones_and_the_report_says_so() -> None:
    report = _report(_two_layers(INT8, INT8, INT4), "ethos-u55-128")
    assert {layer.format for layer in report.layers if layer.macs} == {"int8"}
    told = "rates of int4 weights: the array ran them as int8*int8"
    assert told in report.confidence.not_modelled


def test_activations_without_a_rate_go_to_the_host() -> None:
    program = program_of(_two_layers(INT16, INT8, INT8), machine_with("edge-tpu"))
    assert [step.unit for step in program.steps] == [HOST, HOST]


def test_a_mixed_network_shows_its_formats() -> None:
    report = _report(_two_layers(INT16, INT8, INT4), "edge-npu-1-mixed")
    assert [layer.format for layer in report.layers if layer.macs] == ["int16*int8", "int16*int4"]
    assert "format" in _headers(report)
    assert "int16*int8" in report.to_csv()
    macs = {"int16*int8": 512, "int16*int4": 1024}
    busy = sum(layer.macs / macs[layer.format] for layer in report.layers if layer.macs)
    assert report.total.utilization == pytest.approx(busy / report.total.cycles)
    alike = _report(_two_layers(INT8, INT8, INT8), "edge-npu-1-mixed")
    assert "format" not in _headers(alike)

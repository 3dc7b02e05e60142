"""The Report: the keys of the contract, sums that add up, figures by hand, and its other forms."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import pickle
import subprocess
import sys

import pytest

from npusim.errors import UsageError
from npusim.frontend import load_model
from npusim.report import Report, build_report, rows
from npusim.report.layers import BOUND_BY, INFERENCE, bound_by
from npusim.timing.causes import CAUSES
from tests.support.counted import conv_graph, counted, counts_of, hardware_of, report_of
from tests.support.counted import without_vector_op as without
from tests.support.shared import shared_path

TOTAL_KEYS = {
    "cycles", "latency_s", "first_inference_s", "throughput_ips", "tops_peak", "tops_effective",
    "utilization", "energy_j", "average_power_w", "tops_per_watt", "area_mm2", "dram_read_bytes",
    "dram_write_bytes", "sram_read_bytes", "sram_write_bytes", "sram_peak_bytes",
    "cycles_by_cause", "energy_j_by_part",
}  # fmt: skip
LAYER_KEYS = {
    "name", "op", "on", "macs", "cycles", "array_busy_cycles", "utilization", "bound_by",
    "dram_read_bytes", "dram_write_bytes", "sram_read_bytes", "sram_write_bytes", "energy_j",
    "cycles_by_cause", "tile", "dataflow",
}  # fmt: skip
BYTES = ("dram_read_bytes", "dram_write_bytes", "sram_read_bytes", "sram_write_bytes")


def test_the_document_has_the_keys_of_the_contract() -> None:
    document = json.loads(report_of().to_json())
    assert document["schema"] == "npusim.run/1"
    assert set(document) >= {
        "schema", "npusim", "model", "hardware", "batch", "objective", "total", "layers", "memory",
        "confidence", "accuracy", "notes",
    }  # fmt: skip
    assert set(document["model"]) == {"name", "sha256", "macs", "parameters", "inputs", "outputs"}
    assert document["model"]["inputs"] == [
        {"name": "in", "shape": [1, 8, 8, 16], "dtype": "int8", "scale": 0.5, "zero_point": 0}
    ]
    assert set(document["hardware"]) == {
        "name", "sha256", "clock_hz", "peak_macs_per_cycle", "sram_bytes", "dram_bytes_per_s",
    }  # fmt: skip
    assert set(document["total"]) >= TOTAL_KEYS
    assert all(set(layer) >= LAYER_KEYS for layer in document["layers"])
    for level in document["memory"].values():
        assert set(level) == {"read_bytes", "write_bytes", "peak_bytes", "capacity_bytes"}
    assert document["confidence"]["preset"] == "unvalidated"
    assert document["accuracy"] is None
    assert set(document["total"]["cycles_by_cause"]) == set(CAUSES)


def check_sums(report: Report) -> None:
    """What must add up on every model and hardware."""
    total = report.total
    assert math.fsum(total.cycles_by_cause.values()) == pytest.approx(total.cycles, rel=1e-9)
    assert math.fsum(x.cycles for x in report.layers) == pytest.approx(total.cycles, rel=1e-9)
    assert math.fsum(x.energy_j for x in report.layers) == pytest.approx(total.energy_j, rel=1e-9)
    parts = math.fsum(total.energy_j_by_part.values())
    assert parts == pytest.approx(total.energy_j, rel=1e-9)
    for layer in report.layers:
        assert math.fsum(layer.cycles_by_cause.values()) == pytest.approx(layer.cycles, rel=1e-9)
        assert math.fsum(layer.energy_j_by_part.values()) == pytest.approx(layer.energy_j)
        assert 0 <= layer.utilization <= 1 + 1e-9
    for name in BYTES:
        assert sum(getattr(x, name) for x in report.layers) == getattr(total, name)
        level, action = name.split("_", 1)
        assert getattr(report.memory[level], action) == getattr(total, name)
    for cause in CAUSES:
        of_layers = math.fsum(x.cycles_by_cause[cause] for x in report.layers)
        assert of_layers == pytest.approx(total.cycles_by_cause[cause], rel=1e-9)
    assert 0 < total.utilization <= 1


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
def test_layers_causes_and_parts_add_up(preset: str) -> None:
    check_sums(report_of(preset=preset))


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
def test_they_add_up_on_a_real_network(preset: str) -> None:
    path = shared_path("data", "models", "mlperf_tiny_pretrainedResnet_quant.tflite")
    report = report_of(graph=load_model(path), preset=preset)
    check_sums(report)
    assert report.model.macs == 12501632  # sum of the network's layers, by hand


def test_derived_figures_by_hand() -> None:
    report = report_of()
    total, macs = report.total, 8 * 8 * 16 * 16 * 9
    assert report.model.macs == macs
    assert total.latency_s == total.cycles / 500e6
    assert total.throughput_ips == pytest.approx(1 / total.latency_s)
    assert total.tops_effective == pytest.approx(2 * macs / total.latency_s / 1e12)
    assert total.tops_peak["int8"] == pytest.approx(1.024)
    assert total.dominant_format == "int8"
    assert report.hardware.peak_macs_per_cycle == {"int8": 1024, "int8*int4": 2048, "fp8": 512}
    assert total.utilization == pytest.approx(macs / 1024 / total.cycles)
    assert total.tops_per_watt == pytest.approx(2 * macs / total.energy_j / 1e12)
    assert total.average_power_w == pytest.approx(total.energy_j / total.latency_s)
    assert total.tops_per_watt == pytest.approx(total.tops_effective / total.average_power_w)


def test_the_fixed_cost_is_a_layer_and_views_are_not() -> None:
    first, *others = report_of().layers
    assert (first.name, first.op, first.on, first.bound_by) == (
        INFERENCE, "overhead", "npu", "dispatch",
    )  # fmt: skip
    assert first.cycles == 10e-6 * 500e6
    assert [layer.name for layer in others] == ["conv", "twice"]
    none = report_of("overheads.per_inference=0 s")
    assert [layer.name for layer in none.layers] == ["conv", "twice"]
    check_sums(none)


def test_a_layer_knows_its_tiling() -> None:
    conv, twice = report_of().layers[1:]
    assert set(conv.tile) == {"B", "G", "K", "C", "OY", "OX"}
    assert conv.dataflow in ("weight_stationary", "output_stationary")
    assert twice.dataflow is None and twice.tile["K"] >= 1
    assert conv.loop_order in ("weights_outer", "inputs_outer")


def test_work_on_the_host_says_so() -> None:
    counts = counts_of(conv_graph(), without(hardware_of(), "add"))
    from npusim.energy.model import energy_of

    report = build_report(counts, energy_of(counts))
    host = next(layer for layer in report.layers if layer.name == "twice")
    assert (host.on, host.tile, host.dataflow) == ("host", {}, None)
    assert "transfers and change of layout between NPU and host" in report.confidence.not_modelled
    check_sums(report)


def test_a_batch_makes_throughput() -> None:
    counts, energy = counted()
    one, four = build_report(counts, energy), build_report(counts, energy, batch=4)
    assert four.total.throughput_ips == pytest.approx(4 * one.total.throughput_ips)
    assert four.total.latency_s == one.total.latency_s


def test_a_pipeline_of_cores_changes_throughput_alone() -> None:
    plain, piped = (
        report_of("cores=2", f"mapping.pipeline={value}") for value in ("false", "true")
    )
    assert piped.total.cycles == plain.total.cycles
    assert plain.total.throughput_ips == pytest.approx(1 / plain.total.latency_s)
    assert piped.total.throughput_ips >= plain.total.throughput_ips
    follow, pipeline = "throughput is the inverse of the latency", "pipeline of the cores"
    for report, word, other in ((plain, follow, pipeline), (piped, pipeline, follow)):
        text = " ".join(report.confidence.not_modelled)
        assert word in text and other not in text


def test_accuracy_and_notes_are_kept() -> None:
    counts, energy = counted()
    accuracy = {"accuracy": 0.9, "correct": 9, "samples": 10}
    report = build_report(counts, energy, accuracy=accuracy, notes=("read this",))
    assert report.to_dict()["accuracy"] == accuracy
    assert report.notes == ("read this",)


def test_what_is_not_modelled_depends_on_the_hardware() -> None:
    edge, two_cores = report_of().confidence, report_of(preset="ethos-u65-512").confidence
    cores = "time in which cores meet: overheads.core_sync is 0"
    assert cores in two_cores.not_modelled and cores not in edge.not_modelled
    assert any("in a bank of SRAM" in effect for effect in edge.not_modelled)


@pytest.mark.parametrize(
    ("preset", "override", "effect"),
    [
        ("edge-npu-1", "cores=2", "time in which cores meet"),
        ("edge-npu-1", "dma.channels=3", "DMA channels beyond two"),
        ("edge-npu-1", "memory.sram.holds=[inputs]", "holds inputs without outputs"),
        ("edge-npu-1", "mapping.fusion=[add, pool]", "activations as layers"),
        ("ethos-u65-512", "mapping.fusion=[activation, add]", "additions and pooling"),
    ],
)
def test_a_field_that_no_cycle_follows_is_named(preset: str, override: str, effect: str) -> None:
    """It is named where a description sets it, and only there."""
    plain, changed = (
        report_of(*overrides, preset=preset).confidence.not_modelled
        for overrides in ((), (override,))
    )
    assert [text for text in changed if text not in plain and effect in text] != []


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_a_word(cause: str) -> None:
    cycles = dict.fromkeys(CAUSES, 0.0) | {cause: 3.0}
    assert bound_by(cycles) == BOUND_BY[cause]


def test_causes_of_a_group_count_together() -> None:
    cycles = {"compute": 3.0, "weight_load": 2.0, "wait_weights": 2.0}
    assert bound_by(cycles) == "weights"
    assert bound_by(dict.fromkeys(CAUSES, 0.0)) == "none"


def test_a_report_is_frozen_and_can_be_pickled() -> None:
    report = report_of()
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.batch = 2  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(report))
    assert copy == report
    assert copy.to_json() == report.to_json()


def test_reading_a_report_loads_neither_numba_nor_onnx() -> None:
    code = (
        "import pickle, sys; pickle.load(sys.stdin.buffer).to_csv(); "
        "assert not {'numba', 'onnx', 'matplotlib', 'pandas'} & set(sys.modules)"
    )
    data = pickle.dumps(report_of())
    run = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()


def test_csv_has_a_line_a_layer_and_units_in_its_header() -> None:
    report = report_of()
    header, *lines = csv.reader(io.StringIO(report.to_csv()))
    assert len(lines) == len(report.layers)
    without_unit = {"layer", "op", "on", "bound_by", "dataflow", "loop_order", "macs", "format"}
    units = ("_cycles", "_bytes", "_j", "_fraction", "_elements")
    for column in header:
        assert column in without_unit or column == "cycles" or column.endswith(units), column
    place = header.index("dram_read_bytes")
    assert sum(int(line[place]) for line in lines) == report.total.dram_read_bytes
    assert rows.as_csv([]).strip() == ""


def test_a_table_needs_pandas_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        report_of().to_pandas()


def test_the_table_is_that_of_the_csv() -> None:
    pytest.importorskip("pandas")
    report = report_of()
    frame = report.to_pandas()
    assert list(frame.columns) == report.to_csv().splitlines()[0].split(",")
    assert frame["cycles"].sum() == pytest.approx(report.total.cycles)


def test_html_escapes_what_a_file_may_contain() -> None:
    graph = conv_graph(name="<script>alert(1)</script>")
    page = report_of(graph=graph)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert page.count("<tr>") == page.count("</tr>")

"""A study of precisions: each row is a simulation of the network in that precision."""

from __future__ import annotations

import math

import pytest

from npusim import api
from npusim.errors import UnsupportedModelError, UsageError
from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.ir.ops.windows.window import Window
from npusim.models.bundled import bundled_calibration, bundled_samples
from npusim.quantize import quantize
from npusim.quantize.precisions import Samples, study_precisions
from npusim.quantize.precisions.choices import NAMES
from npusim.quantize.precisions.plot import figure
from tests.support.graphs import only
from tests.support.shared import shared_path

MIXED = "edge-npu-1-mixed"


@pytest.fixture(scope="module")
def study():
    return study_precisions("digits", MIXED)


def test_every_precision_has_a_row(study):
    assert [row.name for row in study.rows] == list(NAMES)
    assert list(study.costed) == list(NAMES)


def test_rows_of_a_float_model_are_what_assume_counts():
    model = api.load_model(shared_path("data", "models", "mlperf_tiny_vww_96_float.tflite"))
    for row in study_precisions(model, MIXED, ["fp16", "int8", "w4a8", "w4a16"]).rows:
        assert row.total == api.simulate(model, MIXED, assume=row.pair).total


def test_a_quantized_model_in_its_own_formats_costs_what_it_costs():
    own = api.simulate("mlperf-tiny-ic", "edge-npu-1").total
    (row,) = study_precisions("mlperf-tiny-ic", "edge-npu-1", ["int8"]).rows
    assert row.total == own


def test_weights_take_their_bits(study):
    graph = api.load_model("digits").graph
    biases = {node.inputs[2] for node in graph.nodes if len(node.inputs) == 3}
    weights = [tensor for tensor in graph.constants() if tensor.name not in biases]
    sums_bits = {"int16": 48, "w8a16": 40, "w4a16": 40}
    for name, bits in (("fp32", 32), ("fp16", 16), ("int16", 16), ("w8a16", 8), ("w4a8", 4)):
        expected = sum(math.ceil(tensor.size * bits / 8) for tensor in weights)
        in_sums = sums_bits.get(name, 32)
        expected += sum(graph.tensors[bias].size * in_sums // 8 for bias in biases)
        assert study.costed[name].weight_bytes == expected


def test_a_precision_without_a_rate_is_named_not_costed():
    rows = {row.name: row for row in study_precisions("digits", "edge-npu-1").rows}
    assert rows["fp16"].total is None
    assert rows["fp16"].reason == "the array of edge-npu-1 has no rate for fp16*fp16"
    assert "int16*int8 nor fp16*int8" in rows["w8a16"].reason
    assert rows["int8"].total is not None


def test_weights_of_four_bits_run_as_eight_where_the_array_has_no_rate_for_them():
    rows = study_precisions("digits", "gemmini-16", ["int8", "w4a8"]).costed
    assert (rows["w4a8"].pair, rows["w4a8"].runs_as) == ("int8*int4", "int8*int8")
    assert rows["w4a8"].rate == rows["int8"].rate
    assert rows["w4a8"].weight_bytes < rows["int8"].weight_bytes


def test_claims_are_ratios_of_rows(study):
    fp32, int8, fp16, fp8 = (study.costed[name] for name in ("fp32", "int8", "fp16", "fp8"))
    watt, traffic, speed, floats = study.findings
    assert watt.found == fp32.total.energy_j / int8.total.energy_j
    assert traffic.found == fp32.dram_bytes / int8.dram_bytes
    assert speed.found == fp16.total.latency_s / int8.total.latency_s
    assert floats.found == fp8.total.energy_j / int8.total.energy_j
    for finding in study.findings:
        assert (finding.verdict == "holds") == (finding.low <= finding.found <= finding.high)


def test_claims_need_both_of_their_precisions():
    assert [x.claim for x in study_precisions("digits", MIXED, ["int8", "fp8"]).findings] == [
        "fp8 takes 1.5 to 2.8 times the energy of int8"
    ]


def test_bars_add_up_to_what_the_table_says(study):
    latency, energy = figure(study).axes
    for axes, unit, value in ((latency, 1e6, "latency_s"), (energy, 1e6, "energy_j")):
        ends = [0.0] * len(study.rows)
        for bar in axes.patches:
            ends[round(bar.get_y() + 0.4)] += bar.get_width()
        expected = [unit * getattr(row.total, value) for row in study.rows]
        assert ends == pytest.approx(expected)


def test_unknown_precisions_are_refused_all_at_once():
    with pytest.raises(UsageError) as caught:
        study_precisions("digits", MIXED, ["int9", "int8", "fp61"])
    assert [str(problem).split(":")[1].strip() for problem in caught.value.problems] == [
        "unknown precision 'int9' (did you mean 'int8'?)",
        "unknown precision 'fp61' (did you mean 'fp16'?)",
    ]


@pytest.fixture(scope="module")
def judged():
    tests = bundled_samples()
    inputs = {name: array[:50] for name, array in tests.inputs.items()}
    samples = Samples(bundled_calibration(), inputs, tests.labels[:50])
    return study_precisions("digits-float", MIXED, samples=samples).costed, samples


def test_fewer_bits_keep_less_of_the_signal(judged):
    rows, _ = judged
    decibels = [rows[name].sqnr_db for name in ("fp32", "fp16", "bf16", "int8", "fp8", "w4a8")]
    assert decibels == sorted(decibels, reverse=True)
    assert rows["int16"].sqnr_db is None
    assert "no weights to 16 bits" in rows["int16"].reason


def test_quality_is_that_of_the_model_that_quantize_makes(judged):
    rows, samples = judged
    made = quantize("digits-float", samples.calibration, "w8a8").graph
    outputs = api.execute(api.Model(made), MIXED, samples.judged).outputs
    exact = api.execute("digits-float", MIXED, samples.judged).outputs
    noise = sum(((outputs[x] - exact[x]).astype(float) ** 2).sum() for x in exact)
    signal = sum((exact[x].astype(float) ** 2).sum() for x in exact)
    assert rows["int8"].sqnr_db == pytest.approx(10 * math.log10(signal / noise), abs=1e-3)
    right = (outputs["logits"].argmax(axis=1) == samples.labels).mean()
    assert rows["int8"].accuracy == right


def test_a_quantized_model_has_no_float_form_to_execute(judged):
    with pytest.raises(UnsupportedModelError, match="quantized already"):
        study_precisions("digits", MIXED, ["int8"], samples=judged[1])


def test_a_network_that_multiplies_nothing_says_nothing_of_claims():
    pool = only(lambda net, x: net.add_node(MaxPool(Window((2, 2))), x), 1, 4, 4, 8)
    found = study_precisions(api.Model(pool), MIXED)
    assert len(found.costed) == len(NAMES)
    assert found.findings == ()
    assert found.to_json()

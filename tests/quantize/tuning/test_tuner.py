"""The search for precisions: what it believes, it executed; it beats one format everywhere."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest

from npusim import api
from npusim.errors import DoesNotFitError, UsageError
from npusim.models.bundled import bundled_calibration, bundled_samples
from npusim.quantize import prepared, written
from npusim.quantize.judging import sqnr_between
from npusim.quantize.tuning import Wish, tune_precision
from npusim.quantize.tuning.candidates import candidates_for
from npusim.quantize.tuning.tuner import spread
from npusim.quantize.tuning.units import units_of
from tests.support.onnx_models import NetworkBuilder

MODEL = "digits-float"
SAMPLES = 60


@pytest.fixture(scope="module")
def samples():
    tests = bundled_samples()
    inputs = {name: array[:SAMPLES] for name, array in tests.inputs.items()}
    return bundled_calibration(), inputs, tests.labels[:SAMPLES]


@pytest.fixture(scope="module")
def tuned(samples):
    calibration, inputs, labels = samples
    return tune_precision(MODEL, "edge-npu-1", calibration, (), Wish(points=6), inputs, labels)


def test_every_layer_with_weights_is_a_unit_and_others_follow():
    graph = prepared(MODEL)
    units = {unit.name: unit.followers for unit in units_of(graph)}
    assert list(units) == [
        "stem", "widen", "block1_depthwise", "block1_pointwise", "down_depthwise",
        "down_pointwise", "block2_conv", "classifier",
    ]  # fmt: skip
    assert units["block1_pointwise"] == ("block1_pointwise.add",)
    assert units["block2_conv"] == ("block2_conv.add", "pool")


def test_every_point_is_what_execution_and_simulation_of_it_say(tuned, samples):
    _, inputs, _ = samples
    expected = api.execute(MODEL, "edge-npu-1", inputs).outputs
    for point in tuned.front[:3]:
        result = api.execute(
            api.Model(tuned.graph(point)), "edge-npu-1", inputs, objective="energy"
        )
        assert point.measured.energy_j == result.report.total.energy_j
        assert point.measured.latency_s == result.report.total.latency_s
        found = {"logits": result.outputs["logits"]}
        assert point.measured.sqnr_db == pytest.approx(sqnr_between(expected, found), abs=1e-3)


def test_the_front_has_no_point_that_another_one_beats(tuned):
    front = [(x.measured.energy_j, x.measured.sqnr_db) for x in tuned.front]
    assert front == sorted(front)
    assert all(first[1] < second[1] for first, second in itertools.pairwise(front))
    for point in tuned.points:
        better = [
            1 for energy, sqnr in front
            if energy <= point.measured.energy_j and sqnr >= point.measured.sqnr_db
        ]  # fmt: skip
        assert better


def test_mixed_formats_take_less_energy_than_int8_at_equal_agreement(tuned):
    int8 = tuned.everywhere("w8a8").measured
    least = min(
        point.measured.energy_j
        for point in tuned.points
        if point.measured.agreement >= int8.agreement
    )
    assert least < 0.95 * int8.energy_j


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hardware", "against", "saved"),
    [
        ("ethos-u65-512", "energy", 0.2),
        ("ethos-u65-512", "latency", 0.2),
        ("edge-npu-1", "energy", 0.05),
    ],
)
def test_hardware_that_rewards_narrow_weights_gets_them(hardware, against, saved):
    """All 500 samples: what agrees with float32 as often as int8 everywhere costs less."""
    tests = bundled_samples()
    wish = Wish(points=8, against=against)
    names = ("w8a8", "w4a8", "fp8-e4m3")
    found = tune_precision(MODEL, hardware, bundled_calibration(), names, wish, tests.inputs)
    int8 = found.everywhere("w8a8").measured
    good = [x.measured for x in found.points if x.measured.agreement >= int8.agreement]
    assert min(x.cost(against) for x in good) < (1 - saved) * int8.cost(against)


def test_exact_is_never_worse_than_greedy(tuned):
    for noise, cost in zip(tuned.greedy.noises, tuned.greedy.costs, strict=True):
        at = tuned.exact.best_within(cost * (1 + 1e-12))
        assert tuned.exact.noises[at] <= noise * (1 + 1e-12)
    assert tuned.exact.tolerance == 0


def test_every_point_of_the_front_runs_in_onnx_runtime(tuned, samples):
    onnxruntime = pytest.importorskip("onnxruntime")
    _, inputs, _ = samples
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", "1")
    for point in tuned.front:
        graph = tuned.graph(point)
        session = onnxruntime.InferenceSession(written(graph), options)
        theirs = np.concatenate([session.run(None, {"image": x[None]})[0] for x in inputs["image"]])
        ours = api.execute(api.Model(graph), "edge-npu-1", inputs).outputs["logits"]
        step = graph.tensors[graph.nodes[-1].inputs[0]].quantization.scalar_scale
        assert np.abs(theirs - ours).max() <= 2.5 * step  # int4 weights are float32 there
        assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).mean() >= 0.98


def test_formats_that_the_array_lacks_are_named(tuned):
    assert [candidate.name for candidate in tuned.candidates] == ["w8a8", "w4a8", "fp8-e4m3"]
    assert tuned.lacking == (
        "w8a16: the array of edge-npu-1 has no rate for int16*int8",
        "w4a16: the array of edge-npu-1 has no rate for int16*int4",
        "fp16: the array of edge-npu-1 has no rate for fp16*fp16",
    )


def test_weights_that_are_stored_narrow_and_multiplied_wide_are_named():
    narrow, _ = candidates_for(api.load_hardware("edge-npu-1"), ["w4a8"])
    wide, _ = candidates_for(api.load_hardware("ethos-u65-512"), ["w8a8", "w4a8"])
    assert not narrow[0].is_widened
    assert [(one.name, one.runs_as, one.is_widened) for one in wide] == [
        ("w8a8", "int8*int8", False), ("w4a8", "int8*int8", True),
    ]  # fmt: skip


def test_weights_of_four_bits_save_half_their_bytes_but_for_more_scales(samples):
    calibration, inputs, _ = samples
    wish = Wish(against="size", points=3)
    found = tune_precision(MODEL, "edge-npu-1", calibration, ["w8a8", "w4a8"], wish, inputs)
    sizes, scales, elements = {}, {}, {}
    for name, fmt in (("w8a8", "int8"), ("w4a8", "int4")):
        point = found.everywhere(name)
        weights = [t for t in found.graph(point).constants() if t.format.name == fmt]
        sizes[name] = point.measured.weight_bytes
        scales[name] = 4 * sum(t.quantization.scale.size for t in weights)
        elements[name] = sum(t.size for t in weights)
    saved = elements["w8a8"] // 2 - (scales["w4a8"] - scales["w8a8"])
    assert sizes["w8a8"] - sizes["w4a8"] == saved


def test_the_cheapest_that_is_good_enough_is_chosen(tuned):
    for point in tuned.front:
        assert tuned.cheapest(point.measured.sqnr_db) is point
    with pytest.raises(DoesNotFitError, match="no assignment has sqnr 500 or more"):
        tuned.cheapest(500.0)


def test_points_are_spread_over_the_front_with_both_ends(tuned):
    for many in (2, 3, 5):
        chosen = spread(tuned.exact, many)
        assert len(chosen) <= many
        assert chosen[0] == 0 and chosen[-1] == len(tuned.exact) - 1


@pytest.mark.parametrize(
    ("wish", "names", "said"),
    [
        (Wish(quality="accuracy"), (), "needs labels"),
        (Wish(quality="snr"), (), "did you mean 'sqnr'"),
        (Wish(against="power"), (), "unknown 'power'"),
        (Wish(points=0), (), "one or more"),
        (Wish(), ("w9a8",), "unknown scheme 'w9a8'"),
        (Wish(), ("fp16",), "no rate for fp16"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(wish, names, said, samples):
    with pytest.raises(UsageError, match=said):
        tune_precision(MODEL, "edge-npu-1", samples[0], names, wish)


def test_constants_of_one_class_have_no_agreement_but_a_search(samples):
    with pytest.raises(UsageError, match="image"):
        tune_precision(MODEL, "edge-npu-1", {"image": np.zeros((4, 1, 7, 8), np.float32)})


def test_a_single_number_has_no_first_choice_to_agree_on(tmp_path):
    net = NetworkBuilder(seed=1)
    x = net.node("Flatten", [net.node("Relu", [net.conv("image", 1, 4, 3)])])
    score = net.dense(x, 64, 1)
    onnx.save(net.model({"image": (1, 1, 4, 4)}, {score: (1, 1)}), tmp_path / "score.onnx")
    images = {"image": np.random.default_rng(0).normal(size=(4, 1, 4, 4)).astype(np.float32)}
    with pytest.raises(UsageError, match="several numbers; take sqnr"):
        tune_precision(tmp_path / "score.onnx", "edge-npu-1", images, (), Wish("agreement"))

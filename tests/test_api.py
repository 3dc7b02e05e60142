"""The public interface: what the README promises of it, and what it refuses."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import npusim
from npusim.api import choose_profile, infer, random_inputs, schedule
from npusim.errors import NpusimError, UnsupportedModelError, UsageError
from npusim.models.bundled import INPUT_NAME, bundled_model_path, bundled_samples
from tests.support.evaluate import evaluate
from tests.support.shared import shared_path
from tests.support.tflite_models import TinyModel

IMAGES = bundled_samples().inputs[INPUT_NAME]


@pytest.fixture(scope="module")
def model() -> npusim.api.Model:
    return npusim.load_model("digits")


@pytest.fixture(scope="module")
def hw() -> npusim.hardware.Hardware:
    return npusim.load_hardware("edge-npu-1")


def test_a_model_says_what_it_takes_and_gives(model) -> None:
    (taken,), (given,) = model.inputs, model.outputs
    assert (taken.name, taken.shape, taken.dtype) == ("image", (1, 1, 8, 8), "float32")
    assert (taken.scale, taken.zero_point) == (None, None)
    assert (given.name, given.shape, given.dtype) == ("logits", (1, 10), "float32")


def test_quantized_inputs_have_a_scale_and_a_zero_point() -> None:
    path = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite")
    (taken,) = npusim.load_model(path).inputs
    assert (taken.dtype, taken.zero_point) == ("int8", 83)
    assert taken.scale == pytest.approx(0.5847, abs=1e-4)


def test_a_built_in_name_is_the_file(model) -> None:
    assert npusim.load_model(bundled_model_path()).graph.sha256 == model.graph.sha256


def test_a_file_of_the_same_name_wins_over_a_built_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NpusimError, match="digits"):
        npusim.load_model("digits")


def test_names_and_objects_do_the_same(model, hw) -> None:
    assert npusim.simulate("digits", "edge-npu-1") == npusim.simulate(model, hw)


def test_overrides_are_a_mapping_or_texts() -> None:
    one = npusim.load_hardware("edge-npu-1", overrides={"memory.sram.size": "1 MiB"})
    other = npusim.load_hardware("edge-npu-1", ["memory.sram.size=1 MiB"])
    assert one.memory.sram.size_bytes == other.memory.sram.size_bytes == 1 << 20


def test_outputs_are_those_of_the_layers_one_by_one(model, hw) -> None:
    result = npusim.execute(model, hw, {"image": IMAGES[:1]})
    expected = evaluate(model.graph, {"image": IMAGES[:1]})["logits"]
    assert np.array_equal(result.outputs["logits"], expected)
    assert result.report == npusim.simulate(model, hw)


def test_many_rows_are_many_inferences(model, hw) -> None:
    together = npusim.execute(model, hw, {"image": IMAGES[:6]}).outputs["logits"]
    alone = [npusim.execute(model, hw, {"image": x[None]}).outputs["logits"] for x in IMAGES[:6]]
    assert np.array_equal(together, np.concatenate(alone))


def test_progress_is_told_after_every_inference(model, hw) -> None:
    told: list[tuple[int, int]] = []
    program = schedule(model, hw)
    infer(program, {"image": IMAGES[:3]}, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("path", ["reference", "numba"])
def test_every_path_of_kernels_gives_the_same_bits(model, hw, path: str) -> None:
    expected = npusim.execute(model, hw, {"image": IMAGES[:4]}).outputs["logits"]
    found = npusim.execute(model, hw, {"image": IMAGES[:4]}, kernels=path).outputs["logits"]
    assert np.array_equal(found, expected)


def test_any_number_of_threads_gives_the_same_outputs(model, hw) -> None:
    expected = npusim.execute(model, hw, {"image": IMAGES[:4]}).outputs["logits"]
    found = npusim.execute(model, hw, {"image": IMAGES[:4]}, threads=2).outputs["logits"]
    assert np.array_equal(found, expected)
    with pytest.raises(UsageError, match="threads"):
        npusim.execute(model, hw, {"image": IMAGES[:1]}, threads=0)


def test_inputs_that_do_not_fit_are_refused(model, hw) -> None:
    for wrong in (IMAGES[:1].astype(np.float64), IMAGES[0], IMAGES[:0], IMAGES[:, :, :4]):
        with pytest.raises(UsageError, match="image"):
            npusim.execute(model, hw, {"image": wrong})
    with pytest.raises(UsageError, match="unknown"):
        npusim.execute(model, hw, {"image": IMAGES[:1], "other": IMAGES[:1]})
    with pytest.raises(UsageError, match="numba"):
        npusim.execute(model, hw, {"image": IMAGES[:1]}, kernels="fortran")


def test_a_profile_is_the_option_else_the_hardwares_else_the_models(model, hw) -> None:
    own = hw.model_copy(update={"requantize": "single-rounding"})
    graph = model.graph
    assert choose_profile(None, hw, graph).name == "onnx"
    assert choose_profile(None, own, graph).name == "single-rounding"
    assert choose_profile("model", own, graph).name == "onnx"
    assert choose_profile("hardware", own, graph).name == "single-rounding"
    assert choose_profile("xnnpack", own, graph).name == "xnnpack"
    with pytest.raises(UsageError, match="no arithmetic of its own"):
        choose_profile("hardware", hw, graph)
    with pytest.raises(UsageError, match="did you mean 'xnnpack'"):
        choose_profile("xnnpak", hw, graph)


def test_objectives_are_what_they_say(model, hw) -> None:
    reports = {
        name: npusim.simulate(model, hw, objective=name) for name in ("latency", "energy", "edp")
    }
    assert all(report.objective == name for name, report in reports.items())
    fastest, leanest = reports["latency"].total, reports["energy"].total
    assert fastest.cycles <= leanest.cycles * 1.01
    assert leanest.energy_j <= fastest.energy_j * 1.01
    with pytest.raises(UsageError, match="did you mean 'latency'"):
        npusim.simulate(model, hw, objective="latncy")


def test_random_inputs_depend_on_the_seed_alone(model) -> None:
    one, same, other = (random_inputs(model.graph, seed)["image"] for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert (one.shape, one.dtype) == ((1, 1, 8, 8), np.float32)


def test_a_comparison_holds_a_report_a_pair(model, hw, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as notebooks do
    table = npusim.compare([model], ["edge-npu-1", "ethos-u55-128"])
    assert [report.hardware.name for report in table.reports] == ["edge-npu-1", "ethos-u55-128"]
    assert table.reports[0] == npusim.simulate(model, hw)
    assert "ethos-u55-128" in str(table)
    assert "\x1b" not in str(table)
    assert table._repr_html_().startswith("<pre>")


def test_models_hardware_reports_and_comparisons_can_be_pickled(model, hw) -> None:
    loaded_model, loaded_hw = pickle.loads(pickle.dumps((model, hw)))
    report = npusim.simulate(model, hw)
    assert npusim.simulate(loaded_model, loaded_hw) == report
    assert pickle.loads(pickle.dumps(report)) == report
    comparison = npusim.compare([model], [hw])
    assert pickle.loads(pickle.dumps(comparison)).to_json() == comparison.to_json()


def test_a_model_without_weights_is_counted_not_executed(tmp_path: Path, hw) -> None:
    path = tmp_path / "table.csv"
    path.write_text("name,m,k,n\nfirst,16,32,8\n")
    table = npusim.load_model(path)
    assert npusim.simulate(table, hw).model.macs == 16 * 32 * 8
    inputs = random_inputs(table.graph)
    with pytest.raises(UnsupportedModelError, match="not executed"):
        npusim.execute(table, hw, inputs)


def test_drawn_integers_stay_within_the_table_that_they_index(tmp_path: Path) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("word", (64,), "int32"))
    low, index = m.constant("low", np.array([2], np.int32)), m.tensor("index", (64,), "int32")
    m.operator("MAXIMUM", [0, low], [index], "MaximumMinimumOptions")
    table = m.constant("table", np.arange(10, dtype=np.int8)[:, None], 0.1)
    m.outputs.append(m.tensor("y", (64, 1), "int8", 0.1))
    m.operator("GATHER", [table, index], m.outputs, "GatherOptions")
    (tmp_path / "words.tflite").write_bytes(m.content())
    words = random_inputs(npusim.load_model(tmp_path / "words.tflite").graph)["word"]
    assert set(words) == set(range(10))


def test_the_function_execute_is_not_hidden_by_a_package() -> None:
    from npusim.execution.executor import Executor

    assert npusim.execute is npusim.api.execute
    assert Executor.__module__ == "npusim.execution.executor"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, hw: npusim.load_model(None), "model: expected a path or a name"),
        (lambda model, hw: npusim.load_model("digits", 3), "shapes: expected a mapping"),
        (lambda model, hw: npusim.load_hardware(3), "hw: expected a preset's name"),
        (lambda model, hw: npusim.load_hardware("edge-npu-1", {3: 3}), "overrides: expected names"),
        (lambda model, hw: npusim.simulate(None, hw), "model: expected a Model"),
        (lambda model, hw: npusim.simulate(model, None), "hw: expected a Hardware"),
        (lambda model, hw: npusim.simulate(model, hw, 1.5), "batch: expected a whole number"),
        (lambda model, hw: npusim.simulate(model, hw, None, None), "objective: expected latency"),
        (lambda model, hw: npusim.execute(model, hw, np.zeros(3)), "inputs: expected a mapping"),
        (lambda model, hw: npusim.compare("digits", [hw]), r"models: .* as a list: \['digits'\]"),
        (lambda model, hw: npusim.compare([model], hw.name), "hws: expected several"),
        (lambda model, hw: npusim.compare([model], [3]), "hw: expected a Hardware"),
    ],
)
def test_an_argument_of_another_type_is_named(call, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(npusim.load_model("digits"), npusim.load_hardware("edge-npu-1"))


def test_several_may_come_from_any_iterable() -> None:
    found = npusim.compare((name for name in ["digits"]), {"edge-npu-1": None})
    assert [report.hardware.name for report in found.reports] == ["edge-npu-1"]


def test_one_override_may_be_a_text() -> None:
    assert npusim.load_hardware("edge-npu-1", "clock=1 GHz").clock_hz == 1e9


def test_models_and_reports_are_short_in_a_prompt() -> None:
    model = npusim.load_model("digits")
    assert repr(model) == f"<Model digits_int8: {len(model.graph.nodes)} operators>"
    text = repr(npusim.simulate(model, "edge-npu-1"))
    assert text.startswith("<Report of digits_int8 on edge-npu-1: ")
    assert len(text) < 100

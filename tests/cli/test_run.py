"""`npusim run`: the bundled model, JSON that adds up, arrays in and out, the same bytes twice."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from npusim.hardware import preset_names
from npusim.models.bundled import INPUT_NAME, bundled_samples
from npusim.timing.causes import CAUSES
from tests.support.commands import document, done, npusim, process, refused
from tests.support.shared import shared_path
from tests.support.tflite_state import frames, memory

ACCURACY = 0.97  # what the bundled model must reach at least


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Eight images of the bundled test set with their labels, as a user would store them."""
    samples = bundled_samples()
    path = tmp_path / "images.npz"
    np.savez(path, image=samples.inputs[INPUT_NAME][:8], labels=samples.labels[:8])
    return path


def test_without_arguments_the_bundled_model_is_executed_and_judged() -> None:
    printed = done("run")
    for word in ("accuracy", "latency", "energy", " TOPS ", "TOPS/W", "cycles by cause"):
        assert word in printed
    report = document("run")
    assert report["model"]["name"] == "digits_int8"
    assert report["hardware"]["name"] == "edge-npu-1"
    assert report["accuracy"]["samples"] == bundled_samples().labels.size
    assert report["accuracy"]["accuracy"] >= ACCURACY
    assert any("profile onnx" in note for note in report["notes"])


@pytest.mark.parametrize("hardware", preset_names())
@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_json_adds_up(hardware: str, objective: str) -> None:
    report = document("run", "digits", "--hw", hardware, "--objective", objective)
    total, layers = report["total"], report["layers"]
    assert report["schema"] == "npusim.run/1"
    assert list(total["cycles_by_cause"]) == list(CAUSES)
    assert math.isclose(sum(total["cycles_by_cause"].values()), total["cycles"], rel_tol=1e-9)
    assert math.isclose(sum(layer["cycles"] for layer in layers), total["cycles"], rel_tol=1e-9)
    assert math.isclose(sum(total["energy_j_by_part"].values()), total["energy_j"], rel_tol=1e-9)
    assert math.isclose(sum(layer["energy_j"] for layer in layers), total["energy_j"], rel_tol=1e-9)
    for key in ("dram_read_bytes", "dram_write_bytes", "sram_read_bytes", "sram_write_bytes"):
        assert sum(layer[key] for layer in layers) == total[key]
    for layer in layers:
        assert math.isclose(sum(layer["cycles_by_cause"].values()), layer["cycles"], abs_tol=1e-6)
    assert total["latency_s"] == total["cycles"] / report["hardware"]["clock_hz"]
    assert 0 < total["utilization"] <= 1
    assert report["accuracy"] is None


def test_counting_alone_has_the_cycles_of_executing(images: Path) -> None:
    executed = document("run", "digits", "--inputs", images)
    counted = document("run", "digits", "--no-numerics")
    assert executed["total"] == counted["total"]


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        done("run", "digits", "--numerics", "--seed", 7, "--json", tmp_path / f"{name}.json",
             "--csv", tmp_path / f"{name}.csv", "--outputs", tmp_path / f"{name}.npz")  # fmt: skip
    for ending in ("json", "csv", "npz"):
        first, second = (tmp_path / f"{name}.{ending}" for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


def test_another_seed_draws_other_inputs(tmp_path: Path) -> None:
    found = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.npz"
        done("run", "digits", "--numerics", "--seed", seed, "--outputs", path)
        found.append(np.load(path)["logits"])
    assert not np.array_equal(*found)


def test_outputs_are_named_and_typed_as_in_the_model(images: Path, tmp_path: Path) -> None:
    path = tmp_path / "outputs.npz"
    done("run", "digits", "--inputs", images, "--outputs", path)
    with np.load(path, allow_pickle=False) as outputs:
        assert outputs.files == ["logits"]
        assert (outputs["logits"].shape, outputs["logits"].dtype) == ((8, 10), np.float32)
        right = outputs["logits"].argmax(axis=1) == bundled_samples().labels[:8]
    assert right.mean() >= ACCURACY


def test_labels_give_an_accuracy(images: Path) -> None:
    report = document("run", "digits", "--inputs", images, "--labels", images)
    assert report["accuracy"]["samples"] == 8


def test_a_batch_costs_less_than_its_samples_alone_and_has_the_same_bits(
    images: Path, tmp_path: Path
) -> None:
    outputs = []
    for batch in (1, 4):
        path = tmp_path / f"{batch}.npz"
        done("run", "digits", "--batch", batch, "--inputs", images, "--outputs", path)
        outputs.append(np.load(path)["logits"])
    assert np.array_equal(*outputs)
    one, four = (document("run", "digits", "--batch", batch) for batch in (1, 4))
    assert four["batch"] == 4
    assert four["model"]["macs"] == 4 * one["model"]["macs"]
    assert one["total"]["cycles"] < four["total"]["cycles"] < 4 * one["total"]["cycles"]


def test_every_arithmetic_can_be_asked_for(images: Path, tmp_path: Path) -> None:
    for profile in ("model", "onnx", "tflite-reference", "xnnpack", "single-rounding"):
        path = tmp_path / f"{profile}.npz"
        done("run", "digits", "--inputs", images, "--requantize", profile, "--outputs", path)
    model, onnx = (np.load(tmp_path / f"{name}.npz")["logits"] for name in ("model", "onnx"))
    assert np.array_equal(model, onnx)


def test_files_are_written_beside_the_tables(tmp_path: Path) -> None:
    as_json, as_csv = tmp_path / "report.json", tmp_path / "layers.csv"
    as_csv.write_text("what was here before")
    printed = done("run", "digits", "--json", as_json, "--csv", as_csv)
    assert "digits_int8 on edge-npu-1" in printed
    layers = json.loads(as_json.read_text())["layers"]
    with as_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["layer"] for row in rows] == [layer["name"] for layer in layers]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layers.csv", "report.json"]


def test_csv_may_go_to_stdout() -> None:
    assert done("run", "digits", "--csv", "-").startswith("layer,op,on,macs,cycles,")


def test_fewer_layers_are_printed_when_asked() -> None:
    assert "and 11 more layers" in done("run", "digits", "--layers", 3)
    assert "more layers" not in done("run", "digits", "--layers", 0)


def test_overrides_reach_the_simulation() -> None:
    slow = document("run", "digits", "--set", "clock=250 MHz")
    assert slow["hardware"]["clock_hz"] == 250e6


def test_nothing_but_results_goes_to_stdout_and_colours_only_to_terminals() -> None:
    finished = process("run", "digits", "--quiet", environment={"COLUMNS": "100"})
    assert finished.returncode == 0
    assert "\x1b" not in finished.stdout + finished.stderr
    assert finished.stderr == ""
    assert max(map(len, finished.stdout.splitlines())) <= 100


@pytest.mark.parametrize("profile", ["xnnpack", "tflite-reference"])
def test_keywords_are_recognized_as_often_as_by_the_framework(profile: str) -> None:
    """LiteRT 2.3.0's default kernels get 902 of 1000 right, its reference kernels 901."""
    samples = shared_path("data", "kws01", "kws01_all1000.npz")
    model = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite")
    report = document(
        "run", model, "--inputs", samples, "--labels", samples, "--requantize", profile
    )
    right = {"xnnpack": 902, "tflite-reference": 901}[profile]
    assert report["accuracy"].items() >= {
        "accuracy": right / 1000, "correct": right, "samples": 1000,
    }.items()  # fmt: skip


def test_the_first_run_says_that_it_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    from npusim.cli import warmup

    monkeypatch.setattr(warmup, "_cache_is_empty", lambda: True)
    assert warmup.NOTICE in npusim("run", "digits").stderr
    assert npusim("run", "digits", "--quiet").stderr == ""


def test_a_dumped_mapping_gives_the_same_schedule(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    first = document("run", "digits", "--dump-mapping", path)
    again = document("run", "digits", "--mapping", path)
    assert again["total"] == first["total"]
    assert again["layers"] == first["layers"]
    assert done("run", "digits", "--dump-mapping", "-") == path.read_text()


def test_a_stream_carries_the_state_over(tmp_path: Path) -> None:
    model, inputs = tmp_path / "memory.tflite", tmp_path / "frames.npz"
    model.write_bytes(memory().content())
    x = frames(5)
    np.savez(inputs, x=x)
    found = {}
    for option in ("--quiet", "--stream"):
        outputs = tmp_path / f"out{option}.npz"
        report = document("run", model, "--inputs", inputs, "--outputs", outputs, option)
        found[option] = np.load(outputs)["y0"]
        how = "goes on from the one before" if option == "--stream" else "starts anew"
        assert any(how in note for note in report["notes"])
    state = np.int16(-7) - 3 + np.cumsum(x.astype(np.int16) - 3, axis=0)
    inside = (np.abs(state) < 120).all(axis=(1, 2)).cumprod().astype(bool)
    assert inside[1]
    np.testing.assert_array_equal(found["--stream"][inside], (state + 3)[inside])
    np.testing.assert_array_equal(found["--quiet"][0], found["--stream"][0])
    assert (found["--quiet"][1] != found["--stream"][1]).any()


def test_a_stream_needs_samples_and_a_model_that_remembers(images: Path, tmp_path: Path) -> None:
    model = tmp_path / "memory.tflite"
    model.write_bytes(memory().content())
    assert "--inputs" in refused(2, "run", model, "--stream", "--numerics")
    assert "remembers nothing" in refused(2, "run", "digits", "--inputs", images, "--stream")


def test_an_empty_name_is_no_model_and_not_the_bundled_one() -> None:
    """What an unset variable of a script leaves: `npusim run "$MODEL"`."""
    assert "no name of a model" in refused(2, "run", "")


@pytest.mark.parametrize("command", ["run", "explain", "ops"])
def test_a_second_hardware_is_not_taken_in_silence(command: str) -> None:
    message = refused(2, command, "digits", "--hw", "edge-npu-1", "--hw", "edge-tpu")
    assert "npusim compare takes several: edge-npu-1 edge-tpu" in message


def test_a_seed_alone_is_told_what_it_needs() -> None:
    assert "--seed: nothing is executed: give --numerics\n" in refused(2, "run", "--seed", "1")


def test_mistakes_in_inputs_cost_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told before anything is scheduled, let alone compiled."""

    def schedule(*_: object, **__: object) -> None:
        raise AssertionError("scheduled")

    monkeypatch.setattr("npusim.api.schedule", schedule)
    assert "absent.npz" in refused(2, "run", "digits", "--inputs", tmp_path / "absent.npz")
    np.savez(tmp_path / "wrong.npz", image=np.zeros((1, 3), np.float32), other=np.zeros(1))
    assert "wrong.npz" in refused(2, "run", "digits", "--inputs", tmp_path / "wrong.npz")

"""Accuracy as a column: what `npusim run` says, found once for all hardware that computes alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npusim
from npusim.errors import UsageError
from npusim.models.bundled import bundled_samples
from npusim.sweep.build import space_of
from npusim.sweep.point import work_of
from npusim.sweep.space import Share
from tests.support.commands import document, done, refused
from tests.support.shared import shared_path

WIDTHS = {
    "mac_array.accumulator.format": ["int32", "int16"],
    "mac_array.accumulator.on_overflow": ["wrap", "saturate"],
    "mac_array.rows": [8, 16],
}


def _sets(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(part for name in WIDTHS for part in ("--set", f"{name}={row[name]}"))


def test_a_point_has_the_accuracy_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from npusim import api

    executed: list[object] = []
    infer = api.infer
    monkeypatch.setattr(api, "infer", lambda *a, **k: executed.append(a) or infer(*a, **k))
    inputs, labels = _files(tmp_path, 60)
    stated = {"vary": WIDTHS, "objectives": ["energy", "accuracy"], "models": ["digits"]}
    found = npusim.sweep({**stated, "inputs": inputs, "labels": labels})
    assert 4 <= len(executed) <= 5  # the tiles of a saturating sum may differ by array
    rows = list(found.rows())
    assert len({row["accuracy"] for row in rows}) == 3
    monkeypatch.undo()
    for row in {row["accuracy"]: row for row in rows}.values():
        data = ("--inputs", inputs, "--labels", labels)
        told = document("run", "digits", "--hw", "edge-npu-1", *data, *_sets(row))
        assert row["accuracy"] == told["accuracy"]["accuracy"]
        assert row["throughput_ips"] == told["total"]["throughput_ips"]
    best = found.summary().best["accuracy"]
    assert rows[best]["accuracy"] == max(row["accuracy"] for row in rows)
    assert {row["accuracy"] for row in found.pareto("accuracy")} == {rows[best]["accuracy"]}


def test_batches_take_the_samples_that_fill_them() -> None:
    space = {"vary": {"mac_array.rows": [8]}, "objectives": ["accuracy"], "batch": 7}
    (row,) = npusim.sweep(space, "digits").rows()
    told = document("run", "--batch", 7)
    assert row["accuracy"] == told["accuracy"]["accuracy"]
    assert row["throughput_ips"] > 0


def _files(folder: Path, count: int, shift: int = 0) -> tuple[str, str]:
    samples = bundled_samples()
    inputs, labels = folder / "x.npz", folder / "y.npz"
    np.savez(inputs, image=samples.inputs["image"][:count])
    np.savez(labels, labels=(samples.labels[:count] + shift) % 10)
    return str(inputs), str(labels)


def test_samples_of_files_are_named_in_a_space_or_by_options(tmp_path: Path) -> None:
    inputs, labels = _files(tmp_path, 20)
    space = tmp_path / "space.yaml"
    space.write_text(
        "vary: {mac_array.rows: [8, 16]}\nobjectives: [latency, accuracy]\n"
        f"models: [{{model: digits, inputs: {inputs}, labels: {labels}}}]\n"
    )
    table = npusim.sweep(space).table
    told = document("run", "digits", "--inputs", inputs, "--labels", labels)["accuracy"]
    assert table["accuracy"].tolist() == [told["accuracy"]] * 2
    by_options = tmp_path / "o.csv"
    done("sweep", "digits", "--vary", "mac_array.rows=8,16", "--inputs", inputs, "--labels", labels,
         "--csv", by_options, "--workers", "1")  # fmt: skip
    assert f",{told['accuracy']!r}" in by_options.read_text().splitlines()[1]


def test_several_models_have_their_mean_and_each_its_own(tmp_path: Path) -> None:
    model = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite")
    with np.load(shared_path("data", "kws01", "kws01_all1000.npz")) as stored:
        np.savez(tmp_path / "kws.npz", features=stored["x"][:10], classes=stored["y"][:10])
    kws = {"model": str(model), "inputs": str(tmp_path / "kws.npz"),
           "labels": str(tmp_path / "kws.npz"), "weight": 3}  # fmt: skip
    space = {"vary": {"mac_array.rows": [16]}, "models": [kws, "digits"],
             "objectives": ["latency", "accuracy", "accuracy of digits"]}  # fmt: skip
    (row,) = npusim.sweep(space).rows()
    own = row[f"accuracy of {model}"], row["accuracy of digits"]
    assert row["accuracy"] == pytest.approx((3 * own[0] + own[1]) / 4)
    assert own[1] == document("run")["accuracy"]["accuracy"]


def test_samples_belong_to_the_content_of_a_space(tmp_path: Path) -> None:
    def identity(shift: int | None, **keys: Any) -> str:
        files = (None, None) if shift is None else _files(tmp_path, 10, shift)
        stated = {"vary": {"mac_array.rows": [8]}, **keys}
        share = Share("digits", inputs=files[0], labels=files[1])
        return work_of(space_of(stated, models=[share])).identity

    plain = identity(None)
    assert plain == identity(None, objectives=["energy"])
    assert len({plain, identity(0), identity(1), identity(None, objectives=["accuracy"])}) == 4


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"models": ["mobilenet-v2"]}, "'mobilenet-v2' has none: no labelled samples.*synthetic"),
        (
            {"models": ["digits"], "assume": "int8"},
            "'digits' has none: a format.*not executed",
        ),
        ({"models": ["digits"], "vary": {"assume": ["int8"]}}, "a format that is assumed"),
        ({"models": [{"model": "digits", "inputs": "x.npz"}]}, "inputs and labels go together"),
        (
            {"models": [{"model": "digits", "inputs": "x.npz", "labels": "y.npz"}]},
            "inputs of digits: x.npz: no such file",
        ),
        ({"models": ["digits", "resnet-50"]}, "'resnet-50' has none"),
    ],
)
def test_a_model_without_an_accuracy_is_named(stated: dict[str, Any], said: str) -> None:
    space = {"vary": {"mac_array.rows": [8]}, "objectives": ["accuracy"], **stated}
    with pytest.raises(UsageError, match=said):
        npusim.sweep(space)


def test_a_layer_table_has_none(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("name,m,n,k\nfc,10,20,30\n")
    said = refused(2, "sweep", table, "--vary", "mac_array.rows=8", "--pareto", "accuracy")
    assert "it is a layer table without weights" in said


def test_samples_that_do_not_fit_are_refused_before_any_point(tmp_path: Path) -> None:
    inputs, labels = _files(tmp_path, 20)
    few = tmp_path / "few.npz"
    np.savez(few, labels=np.arange(3))
    arguments = ("sweep", "digits", "--vary", "mac_array.rows=8", "--inputs", inputs)
    assert "3 labels for 20 samples" in refused(2, *arguments, "--labels", few)
    assert "inputs of digits" in refused(
        2, "sweep", "digits", "--vary", "mac_array.rows=8", "--inputs", labels, "--labels", labels
    )

"""The model as an axis: a point has the numbers of the one model that runs there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import npusim
from npusim.errors import UsageError
from npusim.models.bundled import bundled_model_path, bundled_samples
from npusim.sweep.build import space_of
from tests.support.commands import done, refused

MODELS = ["mlperf-tiny-ad", "digits"]
ROWS = {"mac_array.rows": [8, 16]}


def test_each_point_has_the_numbers_of_its_model() -> None:
    found = npusim.sweep({"vary": {"model": MODELS, **ROWS}}).table
    assert found["model"].tolist() == [MODELS[0], MODELS[0], MODELS[1], MODELS[1]]
    alone = [npusim.sweep({"vary": ROWS}, model).table for model in MODELS]
    for name in found.metrics:
        assert found[name].tolist() == [value for one in alone for value in one[name]]
    assert found["cycles"].dtype == alone[0]["cycles"].dtype
    assert not any(" of " in name for name in found.metrics)


def test_the_model_is_a_knob_and_no_field_of_hardware() -> None:
    found = npusim.sweep({"vary": {"model": MODELS, **ROWS}}).summary()
    assert found.knobs == (("model",), ("mac_array.rows",))
    assert found.overrides(found.best["latency_s"]) == {"mac_array.rows": 16}
    shares = {share.field for share in found.sensitivities["latency_s"].shares}
    assert shares == {"model", "mac_array.rows"}


def _coarser(path: Path) -> Path:
    """The digits with weights of their first layer cut to a few levels: a smaller format."""
    model = onnx.load(bundled_model_path())
    weight = next(one for one in model.graph.initializer if len(one.dims) == 4)
    values = onnx.numpy_helper.to_array(weight)
    weight.CopyFrom(onnx.numpy_helper.from_array((values // 64 * 64).astype(values.dtype),
                                                 weight.name))  # fmt: skip
    onnx.save(model, path)
    return path


def test_accuracy_differs_by_model_on_the_same_samples(tmp_path: Path) -> None:
    samples = bundled_samples()
    np.savez(tmp_path / "x.npz", image=samples.inputs["image"])
    np.savez(tmp_path / "y.npz", labels=samples.labels)
    coarse = _coarser(tmp_path / "coarse.onnx")
    csv = tmp_path / "t.csv"
    data = ("--inputs", tmp_path / "x.npz", "--labels", tmp_path / "y.npz")
    done("sweep", "--vary", f"model=digits,{coarse}", *data, "--csv", csv, "--workers", "1")
    header, *rows = [line.split(",") for line in csv.read_text().splitlines()]
    shares = [float(row[header.index("accuracy")]) for row in rows]
    assert shares[1] < shares[0] and shares[0] > 0.99


def test_samples_may_be_named_for_a_value_of_the_axis(tmp_path: Path) -> None:
    samples = bundled_samples()
    np.savez(tmp_path / "x.npz", image=samples.inputs["image"][:8], labels=samples.labels[:8])
    own = {"model": "digits", "inputs": str(tmp_path / "x.npz"), "labels": str(tmp_path / "x.npz")}
    space = space_of({"vary": {"model": ["digits"], **ROWS}, "models": [own]})
    (share,) = space.models
    assert share.inputs == str(tmp_path / "x.npz")
    assert npusim.sweep(space).table["accuracy"].shape == (2,)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"vary": {"model": ["digits"]}, "models": ["digit"]}, "did you mean 'digits'"),
        ({"vary": {"model": [3]}}, "3 is no name of a model"),
        ({"vary": {"model": ["no-such"]}}, "no such file, and no built-in model"),
        ({"vary": ROWS, "inputs": "x.npz", "models": ["digits"]}, "inputs and labels go together"),
    ],
)
def test_mistakes_are_named(stated: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        npusim.sweep(stated)


def test_no_other_model_runs_beside_an_axis(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no other models run beside it"):
        npusim.sweep({"vary": {"model": MODELS}}, "digits")
    space = tmp_path / "space.yaml"
    space.write_text("vary: {model: [digits]}\nmodels:\n  - {model: digits, inputs: x.npz}\n")
    assert "space.yaml:3:5: digits: inputs and labels go together" in refused(2, "sweep", space)
    assert "--shape: is for a MODEL" in refused(2, "sweep", space, "--shape", "x=1x3")

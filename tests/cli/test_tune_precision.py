"""`npusim tune-precision`: the front, the document, the file that is chosen, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from npusim import api
from npusim.models.bundled import bundled_samples
from tests.support.commands import document, done, npusim, refused

SMALL = ("--hw", "edge-npu-1", "--formats", "w8a8,w4a8", "--points", "2")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Forty samples of the bundled model and their classes."""
    folder, tests = tmp_path_factory.mktemp("few"), bundled_samples()
    np.savez(folder / "x.npz", **{name: array[:40] for name, array in tests.inputs.items()})
    np.savez(folder / "y.npz", y=tests.labels[:40].astype(np.int64))
    return folder / "x.npz", folder / "y.npz"


def test_a_front_and_a_file_of_it(few: tuple[Path, Path], tmp_path: Path) -> None:
    inputs, labels = few
    judged = ("--inputs", inputs, "--labels", labels, "--quality", "sqnr")
    out, plot, said = tmp_path / "out.onnx", tmp_path / "front.svg", tmp_path / "said.json"
    files = ("-o", out, "--least", "25", "--plot", plot, "--json", said)
    printed = done("tune-precision", "digits-float", *SMALL, *judged, *files)
    assert "sqnr against energy" in printed
    found = json.loads(said.read_text())
    assert found["schema"] == "npusim.tune-precision/1"
    assert plot.read_text().startswith("<?xml")
    chosen = min(
        (x for x in found["points"] if x["on_front"] and x["sqnr_db"] >= 25),
        key=lambda x: x["energy_j"],
    )
    report = api.simulate(out, "edge-npu-1", objective="energy")
    assert report.total.energy_j == chosen["energy_j"]
    graph = api.load_model(out).graph
    formats = [
        graph.tensors[node.inputs[1]].format.name
        for node in graph.nodes
        if node.op.kind in ("conv2d", "fully_connected")
    ]
    names = {"int4": "w4a8", "int8": "w8a8"}
    assert [names[one] for one in formats] == list(chosen["formats"].values())


def test_accuracy_counts_where_there_are_labels(few: tuple[Path, Path]) -> None:
    inputs, labels = few
    judged = ("--inputs", inputs, "--labels", labels, "--against", "size")
    found = document("tune-precision", "digits-float", *SMALL, *judged)
    assert (found["quality"], found["against"]) == ("accuracy", "size")
    assert all(0.9 <= point["accuracy"] <= 1 for point in found["points"])


def test_mistakes_are_refused(few: tuple[Path, Path], tmp_path: Path) -> None:
    model = ("tune-precision", "digits-float")
    out = tmp_path / "out.onnx"
    assert "--least" in refused(2, *model, *SMALL, "-o", out)
    assert "did you mean 'w4a8'" in refused(2, *model, "--formats", "w4a9")
    assert "no rate for" in refused(2, *model, "--hw", "gemmini-16", "--formats", "fp16")
    assert "quantized already" in refused(3, "tune-precision", "digits", "--calibration", few[0])
    assert not out.exists()


def test_a_front_that_is_not_good_enough_is_printed_all_the_same(
    few: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.onnx"
    best = ("--inputs", few[0], "-o", out, "--least", "99")
    result = npusim("tune-precision", "digits-float", *SMALL, *best)
    assert result.exit_code == 1
    assert "the best has" in result.stderr
    assert "sqnr against energy" in result.stdout
    assert not out.exists()

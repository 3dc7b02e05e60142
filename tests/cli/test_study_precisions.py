"""`npusim study precisions`: the table, the document, the picture, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.support.commands import document, done, refused

MODEL, MIXED = "mlperf-tiny-ic", "edge-npu-1-mixed"
COMMAND = ("study", "precisions", MODEL, "--hw", MIXED)


def test_a_row_a_precision_and_what_the_hardware_lacks(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    printed = done("study", "precisions", "digits", "--hw", "edge-npu-1")
    first_words = [line.split()[0] for line in printed.splitlines() if line]
    assert {"int8", "fp8", "w4a8", "fp32:", "w4a16:"} <= set(first_words)
    assert "no rate for fp32*fp32" in printed
    assert "fp8 takes 1.5 to 2.8 times the energy of int8?" in printed
    assert max(map(len, printed.splitlines())) <= 100


def test_the_document_has_every_figure(tmp_path: Path) -> None:
    found = document(*COMMAND, "--precisions", "int8,fp32")
    assert found["schema"] == "npusim.study-precisions/1"
    assert [row["name"] for row in found["rows"]] == ["fp32", "int8"]
    run = document("run", MODEL, "--hw", MIXED)["total"]
    row = found["rows"][1]
    assert (row["latency_s"], row["energy_j"]) == (run["latency_s"], run["energy_j"])
    assert row["dram_bytes"] == run["dram_read_bytes"] + run["dram_write_bytes"]
    path = tmp_path / "study.json"
    done(*COMMAND, "--precisions", "int8,fp32", "--json", path)
    assert json.loads(path.read_text()) == found


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "study.svg"
    done(*COMMAND, "--plot", path)
    text = path.read_text()
    assert text.startswith("<?xml")
    assert not (tmp_path / "study.svg.tmp").exists()


def test_mistakes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.gif"
    assert "int9" in refused(2, *COMMAND, "--precisions", "int8,int9")
    assert "endings" in refused(2, *COMMAND, "--plot", path)
    assert not path.exists()
    assert "digits" in refused(2, "study", "precisions", "digit")
    assert "precisions" in refused(2, "study", "precision")


def test_the_bundled_float_model_is_executed_too(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    printed = done("study", "precisions", "digits-float", "--precisions", "int8,w4a8")
    header, int8, w4a8 = printed.splitlines()[2:5]
    assert {"SQNR,", "agree,", "right,"} <= set(header.split())
    assert float(int8.split()[-2]) > 99 and float(w4a8.split()[-2]) > 98


def test_samples_to_judge_on_need_samples_to_calibrate_with(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.zeros((1, 1, 8, 8), np.float32))
    said = refused(2, *COMMAND, "--inputs", path)
    assert "--inputs" in said and "--calibration" in said

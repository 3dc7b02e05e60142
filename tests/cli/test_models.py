"""`npusim models`: what the built-in networks are, as text in any width and as JSON."""

from __future__ import annotations

import json

import pytest

from npusim.models.catalog import NAMES, network
from tests.support.commands import document, done, npusim, refused

NARROW, WIDE = 80, 160


def listed(width: int, monkeypatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    return done("models", "list").splitlines()


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_list_is_aligned_and_fits(width: int, monkeypatch) -> None:
    header, *rows, _ = listed(width, monkeypatch)
    assert [row.split()[0] for row in rows] == ["digits", "digits-float", *NAMES]
    assert max(map(len, rows)) <= width
    macs = header.index("MACs, M") + len("MACs, M")
    assert all(row[macs - 1].isdigit() and row[macs] == " " for row in rows)


def test_list_shows_ours_beside_the_published(monkeypatch) -> None:
    rows = {row.split()[0]: row for row in listed(WIDE, monkeypatch)[1:-1]}
    assert rows["resnet-50"].split()[1:6] == ["1x224x224x3", "4,089", "4,089", "25.53", "25.56"]
    assert rows["resnet-50"].rstrip().endswith("torchvision")
    assert rows["digits"].split()[3] == "-"


def test_show_says_what_is_counted_and_left_out() -> None:
    shown = done("models", "show", "yolov8n")
    published = network("yolov8n").published
    assert published is not None
    text = " ".join(shown.split())
    assert published.source in text and published.counts in text
    assert network("yolov8n").left_out in text
    assert "model.22.0.box, int8 1x80x80x64" in shown
    assert "3,151,888; published: 3,151,904 (-0.00 %)" in shown


def test_show_fits_a_narrow_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, done("models", "show", "efficientnet-lite0").splitlines())) <= 60


def test_show_of_the_trained_model_has_no_published_figures() -> None:
    shown = done("models", "show", "digits")
    assert "published" not in shown and "46,186" in shown


def test_json_holds_the_same() -> None:
    rows = json.loads(done("models", "list", "--json"))["models"]
    assert [row["name"] for row in rows] == ["digits", "digits-float", *NAMES]
    shown = json.loads(done("models", "show", "resnet-18", "--json"))
    assert shown["schema"] == "npusim.models/1"
    row = next(row for row in rows if row["name"] == "resnet-18")
    assert {key: shown[key] for key in row} == row
    assert sum(kind["macs"] for kind in shown["layers"]) == row["macs"] == 1_814_073_344
    assert row["published"]["parameters"] == 11_689_512


def test_unknown_names_are_refused_with_the_nearest() -> None:
    assert "did you mean 'resnet-50'?" in refused(2, "models", "show", "resnet50")
    assert "known: digits, digits-float, resnet-18" in refused(2, "models", "show", "zzz")
    assert npusim("models", "shw").exit_code == 2


def test_names_work_wherever_a_model_does() -> None:
    report = document("run", "mlperf-tiny-kws", "--hw", "edge-npu-1")
    assert report["model"]["name"] == "mlperf-tiny-kws"
    assert report["model"]["sha256"] == network("mlperf-tiny-kws").build().sha256
    assert "mobilenet-v2" in refused(2, "run", "mobilenet-v22", "--hw", "edge-npu-1")
    assert "conv4.pointwise" in done("ops", "mlperf-tiny-kws")


def test_networks_are_compared_as_a_matrix() -> None:
    words = ("--hw", "edge-npu-1", "--hw", "ethos-u55-128")
    printed = done("compare", "mlperf-tiny-kws", "mlperf-tiny-ic", *words)
    lines = printed.splitlines()
    for name in ("mlperf-tiny-kws", "mlperf-tiny-ic"):
        assert sum(line.startswith(f"{name} ") for line in lines) == 4

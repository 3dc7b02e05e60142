"""`npusim run --plot`: a picture beside the tables, and what is refused before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.commands import done, refused

SIGNATURES = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.mark.parametrize("ending", SIGNATURES)
def test_the_ending_says_the_format(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"plot{ending}"
    printed = done("run", "digits", "--plot", path, "--plot-kind", "memory")
    assert "cycles by cause" in printed
    assert path.read_bytes().startswith(SIGNATURES[ending])
    assert list(tmp_path.iterdir()) == [path]


def test_all_kinds_are_on_a_page_by_default(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    default, page, one = (tmp_path / f"{name}.svg" for name in ("default", "page", "one"))
    done("run", "digits", "--plot", default)
    done("run", "digits", "--plot", page, "--plot-kind", "all")
    done("run", "digits", "--plot", one, "--plot-kind", "causes")
    assert default.read_bytes() == page.read_bytes() != one.read_bytes()


def test_mistakes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot, report = tmp_path / "plot.png", tmp_path / "report.json"
    assert ".png, .svg, .pdf" in refused(2, "run", "--plot", tmp_path / "plot.jpg")
    assert ".png, .svg, .pdf" in refused(2, "run", "--plot", "-", "--json", report)
    assert "--plot FILE.png" in refused(2, "run", "--plot-kind", "memory")
    assert "'rooflin'" in refused(2, "run", "--plot", plot, "--plot-kind", "rooflin")
    assert "no directory" in refused(2, "run", "--plot", tmp_path / "absent" / "plot.png")
    assert "the file of --json" in refused(2, "run", "--json", plot, "--plot", plot)
    assert "is a directory" in refused(2, "run", "--plot", tmp_path)
    plot.write_bytes(b"old")
    refused(1, "run", "digits", "--set", "memory.sram.size=8 B", "--set", "memory.sram.banks=1",
            "--plot", plot)  # fmt: skip
    assert plot.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [plot]


def test_a_missing_matplotlib_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = refused(2, "run", "--plot", tmp_path / "plot.png")
    assert "pip install 'npusim[plot]'" in message
    assert list(tmp_path.iterdir()) == []

"""`npusim diff`: what it prints fits the terminal; a threshold that is passed ends with 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import document, done, npusim, refused


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path]:
    """Reports of the bundled model, the second on hardware of twice the clock."""
    paths = tmp_path / "a.json", tmp_path / "b.json"
    done("run", "digits", "--no-numerics", "--json", paths[0])
    done("run", "digits", "--no-numerics", "--set", "clock=1 GHz", "--json", paths[1])
    return paths


@pytest.mark.parametrize("columns", [80, 160])
def test_it_fits_the_terminal(columns: int, saved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    printed = done("diff", *saved)
    assert max(map(len, printed.splitlines())) <= columns
    assert all(word in printed for word in ("latency", "time by cause", "energy by part", "layer"))


def test_what_is_equal_is_not_listed(saved) -> None:
    printed = done("diff", saved[0], saved[0])
    assert "time by cause" not in printed
    assert "more layers" not in printed


def test_the_document(saved, tmp_path: Path) -> None:
    found = document("diff", *saved)
    assert found["schema"] == "npusim.diff/1"
    latency = next(one for one in found["total"] if one["name"] == "latency_s")
    first, second = (json.loads(path.read_text()) for path in saved)
    assert latency["before"] == first["total"]["latency_s"]
    assert latency["after"] == second["total"]["latency_s"]
    path = tmp_path / "diff.json"
    assert "latency" in done("diff", *saved, "--json", path)
    assert json.loads(path.read_text()) == found


def test_a_threshold_that_is_passed_ends_with_1(saved) -> None:
    assert npusim("diff", *saved, "--fail-above", 1).exit_code == 0
    result = npusim("diff", saved[1], saved[0], "--fail-above", 1)
    assert result.exit_code == 1
    assert "latency rose" in result.stderr


def test_mistakes_are_refused(saved, tmp_path: Path) -> None:
    assert "absent.json" in refused(2, "diff", saved[0], tmp_path / "absent.json")
    other = tmp_path / "other.json"
    other.write_text('{"schema": "npusim.ops/1"}')
    message = refused(2, "diff", saved[0], other)
    assert "other.json" in message
    assert "npusim.run/1" in message
    assert refused(2, "diff", saved[0])
    assert refused(2, "diff", *saved, "--json", saved[0])
    assert refused(2, "diff", *saved, "--fail-above", "-1")

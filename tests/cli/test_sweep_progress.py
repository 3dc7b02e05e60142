"""Progress of a sweep: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import pytest

from npusim.cli.sweep_progress import progress
from npusim.sweep.engine import Progress


def test_nothing_is_told_where_nobody_looks() -> None:
    with progress(quiet=False) as told:
        assert told is None


def test_a_terminal_sees_rate_and_what_was_reused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "140")
    with progress(quiet=True) as told:
        assert told is None
    with progress(quiet=False) as told:
        assert told is not None
        told(Progress(done=0, total=1000, reused=0, infeasible=0))
        told(Progress(done=30, total=1000, reused=10, infeasible=2))
    said = capsys.readouterr().err
    assert "30/1000" in said
    assert "points/s" in said and "10 from the store" in said and "2 infeasible" in said

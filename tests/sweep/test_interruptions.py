"""A sweep that is killed, interrupted or split ends with the same table as one that is not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.commands import TOP, process

SPACE = (
    "sweep", "mlperf-tiny-ad", "--vary", "mac_array.rows+mac_array.cols=4:64:x2",
    "--vary", "memory.sram.size=4KiB:1MiB:x2", "--vary", "clock=100 MHz:1 GHz:+100 MHz",
    "--vary", "memory.dram.channels=1,2", "--constraint", "rows * cols <= 2048",
)  # fmt: skip
"""720 points, those with the least SRAM infeasible."""


def _table(folder: Path, name: str, *arguments: object) -> bytes:
    """The CSV of a sweep that runs to its end."""
    path = folder / f"{name}.csv"
    done = process(*SPACE, "--csv", path, *arguments)
    assert done.returncode == 0, done.stderr
    return path.read_bytes()


def _start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "npusim", *SPACE, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=TOP, env={**os.environ, "PYTHONPATH": str(TOP)}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def _alive(session: int) -> list[int]:
    """Processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
def test_kills_workers_writers_and_shards_give_the_same_bytes(tmp_path: Path) -> None:
    expected = _table(tmp_path, "one", "--workers", 1)
    assert expected.count(b"\n") == 721
    assert _table(tmp_path, "two", "--workers", 2) == expected

    store, draw = tmp_path / "killed.db", random.Random(5)
    for _ in range(10):
        started = _start("--workers", 2, "--store", store)
        time.sleep(draw.uniform(0.5, 4.0))
        started.send_signal(signal.SIGKILL)
        started.wait()
        deadline = time.monotonic() + 30
        while _alive(started.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _alive(started.pid) == []  # workers end with their parent
    assert _table(tmp_path, "killed", "--workers", 2, "--store", store) == expected

    shared = tmp_path / "shared.db"
    both = [_start("--workers", 1, "--store", shared) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert _table(tmp_path, "shared", "--store", shared) == expected

    parts = []
    for part in (1, 2, 3):
        parts.append(tmp_path / f"part{part}.db")
        done = process(*SPACE, "--shard", f"{part}/3", "--store", parts[-1], "--workers", 1)
        assert done.returncode == 0, done.stderr
    merged = tmp_path / "merged.db"
    assert process("sweep-merge", merged, *parts).stdout.endswith("720 points, 720 of them new\n")
    assert _table(tmp_path, "merged", "--store", merged) == expected


@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    started = _start("--workers", 2, "--store", store)
    while not store.exists():
        time.sleep(0.01)
    time.sleep(0.5)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to all processes of the command
    said = started.communicate(timeout=60)[1].decode()
    if started.returncode == 0:
        pytest.skip("it was done before it could be interrupted")
    assert started.returncode == 130
    assert f"what is done is in {store}: the same command goes on" in said
    assert "Traceback" not in said
    assert _table(tmp_path, "again", "--store", store).count(b"\n") == 721

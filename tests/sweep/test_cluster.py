"""A Dask cluster of worker processes gives the same table, also when a worker is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

import npusim
from npusim.errors import UsageError
from npusim.sweep.cluster import Cluster
from tests.support.commands import refused

MODEL = "mlperf-tiny-ad"
SPACE: dict[str, Any] = {
    "vary": {
        "mac_array.rows+mac_array.cols": "4:32:x2",
        "memory.sram.size": "4KiB:1MiB:x2",
        "clock": "100 MHz:1 GHz:+100 MHz",
    }
}
"""360 points."""


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    npusim.sweep(SPACE, MODEL).to_csv(tmp_path / "local.csv")
    killed: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        workers = Cluster(cluster.scheduler_address)
        assert workers.workers == 2
        pids = [worker.pid for worker in cluster.workers.values()]

        def told(state: Any) -> None:
            if state.done > 40 and not killed:
                os.kill(pids[0], signal.SIGKILL)
                killed.append(state.done)

        found = npusim.sweep(SPACE, MODEL, executor=workers, workers=2, told=told)
        workers.shutdown()
    assert killed
    found.to_csv(tmp_path / "dask.csv")
    assert (tmp_path / "dask.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("npusim.sweep.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        Cluster("tcp://127.0.0.1:1")


def test_engine_and_scheduler_go_together() -> None:
    vary = ("sweep", "--vary", "cores=1")
    assert "--scheduler" in refused(2, *vary, "--engine", "dask")
    assert "--engine dask" in refused(2, *vary, "--scheduler", "tcp://x:1")
    both = ("--engine", "dask", "--scheduler", "tcp://x:1", "--workers", "2")
    assert "--workers" in refused(2, *vary, *both)

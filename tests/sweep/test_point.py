"""One point: what its row says, and what its key depends on."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import npusim
from npusim.errors import (
    DescriptionError,
    DoesNotFitError,
    Problem,
    UnsupportedModelError,
    UsageError,
)
from npusim.sweep import point
from npusim.sweep.build import space_of
from npusim.sweep.point import STATUSES, Evaluator, Work, space_identity, work_of
from npusim.sweep.space import Share

MODEL = "mlperf-tiny-ad"


def _work(**keys: Any) -> Work:
    stated = {"vary": {"mac_array.rows": [8, 16], "clock": ["500 MHz", "1 GHz"]}, **keys}
    return work_of(space_of(stated, models=[Share(MODEL)]))


def test_a_row_has_what_the_columns_say() -> None:
    work = _work()
    row = Evaluator(work).row(3)
    assert row[0] == 3 and row[2:6] == ("ok", None, 16, 1e9)
    assert len(row) == 4 + len(work.columns)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DoesNotFitError(Problem("conv", "no tile fits")), "does not fit"),
        (DescriptionError([Problem("a", "b"), Problem("", "c")]), "description"),
        (UnsupportedModelError(Problem("lstm", "unknown")), "unsupported"),
        (UsageError(Problem("--assume", "no")), "refused"),
        (KeyError("x"), "failed"),
    ],
)
def test_what_goes_wrong_is_a_status(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: str
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr("npusim.api.evaluate", refuse)
    row = Evaluator(_work()).row(0)
    assert row[2] == status and status in STATUSES
    assert row[3] and set(row[6:]) == {None}
    if status == "description":
        assert row[3] == "a: b; c"


def test_a_key_is_of_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Evaluator(_work()).row(0)[1]
    assert Evaluator(_work(vary={"mac_array.rows": [8], "clock": ["0.5 GHz"]})).row(0)[1] == first
    others = [
        Evaluator(_work()).row(1)[1],
        Evaluator(_work(set={"dma.channels": 1})).row(0)[1],
        Evaluator(_work(schedule="energy")).row(0)[1],
        Evaluator(_work(batch=2)).row(0)[1],
    ]
    monkeypatch.setattr(npusim, "__version__", "9.9")
    others.append(Evaluator(_work()).row(0)[1])
    assert len({first, *others}) == 6


def test_spaces_are_told_apart_but_not_their_samples() -> None:
    first = space_identity(_work())
    assert space_identity(_work(sample="random:2", objectives=["energy"])) == first
    assert space_identity(_work(constraints=["rows > 8"])) != first
    assert space_identity(_work(vary={"mac_array.rows": [8], "clock": ["1 GHz"]})) != first


def test_a_process_forgets_the_space_before() -> None:
    first, second = _work(), _work(batch=2)
    point.install("first", first)
    assert point.evaluate("second", [0]) is None
    rows, seconds = point.evaluate("second", [1, 0], pickle.dumps(second)) or ([], 0.0)
    assert [row[0] for row in rows] == [1, 0] and seconds > 0
    assert point.evaluate("first", [0]) is None


def test_a_batch_is_that_of_a_simulation() -> None:
    work = _work(batch=3)
    hardware = npusim.load_hardware("edge-npu-1", {"mac_array.rows": 8, "clock": "500 MHz"})
    total = npusim.simulate(MODEL, hardware, batch=3).total
    row = dict(zip(work.columns, Evaluator(work).row(0)[4:], strict=True))
    assert (row["cycles"], row["energy_j"]) == (total.cycles, total.energy_j)


def test_throughput_is_that_of_a_report_in_a_pipeline_too() -> None:
    fields = {"cores": 2, "mapping.pipeline": True}
    for stated in ({}, fields):
        work = _work(set=stated, batch=2)
        row = dict(zip(work.columns, Evaluator(work).row(3)[4:], strict=True))
        hardware = npusim.load_hardware(
            "edge-npu-1", {"mac_array.rows": 16, "clock": "1 GHz", **stated}
        )
        total = npusim.simulate(MODEL, hardware, batch=2).total
        assert row["throughput_ips"] == total.throughput_ips
    assert total.throughput_ips > 2 / total.latency_s

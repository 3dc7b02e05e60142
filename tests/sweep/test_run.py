"""`npusim.sweep`: a table is what single simulations give, whoever computes it."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npusim
from npusim.errors import UsageError
from npusim.sweep.metrics import METRICS

MODEL = "mlperf-tiny-ad"
SPACE: dict[str, Any] = {
    "vary": {
        "mac_array.rows+mac_array.cols": "8,32",
        "memory.sram.size": ["8 KiB", "1 MiB", "100001 B"],
        "clock": "500 MHz:1 GHz:x2",
    },
}
"""16 banks do not divide 100001 B."""


@pytest.fixture(scope="module")
def found() -> Any:
    return npusim.sweep(SPACE, MODEL)


def test_a_row_is_a_simulation(found: Any) -> None:
    table = found.table
    assert len(table) == 12
    row = table.row(1)
    overrides = {"mac_array.rows": 8, "mac_array.cols": 8, "memory.sram.size": "8 KiB",
                 "clock": "1 GHz"}  # fmt: skip
    hardware = npusim.load_hardware("edge-npu-1", overrides)
    total = dataclasses.asdict(npusim.simulate(MODEL, hardware).total)
    assert row["clock"] == 1e9 and row["memory.sram.size"] == 8192
    for name in METRICS:
        if name in total:
            assert row[name] == total[name], name
    assert row["edp_js"] == total["energy_j"] * total["latency_s"]
    assert row["tops_per_mm2"] == total["tops_effective"] / total["area_mm2"]
    assert row["dram_bytes"] == total["dram_read_bytes"] + total["dram_write_bytes"]


def test_a_point_that_cannot_be_is_a_row_with_a_reason(found: Any) -> None:
    wrong = found.table.take(~found.table.ok)
    assert set(wrong["memory.sram.size"]) == {100_001}
    assert set(wrong["status"]) == {"description"}
    assert "16 banks do not divide" in wrong["reason"][0]
    assert np.isnan(wrong["latency_s"]).all()
    assert found.counts() == {"description": 4, "ok": 8}


def test_the_front_is_that_of_brute_force(found: Any) -> None:
    table = found.table
    rows = [row for row in table if row["status"] == "ok"]
    costs = [(row["latency_s"], row["energy_j"], row["area_mm2"]) for row in rows]

    def beaten(one: Any) -> bool:
        return any(all(np.less_equal(o, one)) and any(np.less(o, one)) for o in costs)

    best = [row["number"] for row, cost in zip(rows, costs, strict=True) if not beaten(cost)]
    assert list(found.pareto()["number"]) == best
    assert list(found.pareto("latency_s", "energy_j", "area_mm2")["number"]) == best


def test_a_csv_reads_back_to_the_same_numbers(found: Any, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    found.to_csv(path)
    rows = list(csv.DictReader(path.open()))
    assert len(rows) == 12
    for read, row in zip(rows, found.table, strict=True):
        assert int(read["memory.sram.size [B]"]) == row["memory.sram.size"]
        if row["status"] == "ok":
            assert float(read["energy_j"]) == row["energy_j"]
        else:
            assert read["energy_j"] == ""


def test_other_tools_read_the_same_numbers(found: Any, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    found.to_csv(tmp_path / "p.csv")
    found.to_parquet(tmp_path / "p.parquet")
    by_csv = pandas.read_csv(tmp_path / "p.csv")
    by_parquet = pandas.read_parquet(tmp_path / "p.parquet")
    stored = npusim.sweep(SPACE, MODEL, store=tmp_path / "p.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "p.db")) as database:
        by_store = pandas.read_sql("SELECT * FROM points ORDER BY number", database)
    frame = found.to_pandas()
    for name in ("number", "latency_s", "energy_j", "cycles", "mac_array.rows"):
        for other in (by_csv, by_parquet, by_store, stored.to_pandas()):
            np.testing.assert_array_equal(other[name], frame[name])


def test_it_shows_itself(found: Any) -> None:
    assert "8 feasible, 4 infeasible" in str(found)
    assert found._repr_html_().startswith("<pre>12 points")
    assert repr(found).endswith("4 description, 8 ok>")


def test_any_executor_will_do(found: Any) -> None:
    with ThreadPoolExecutor(1) as executor:
        other = npusim.sweep(SPACE, MODEL, executor=executor)
        assert list(other.rows()) == list(found.rows())
        assert executor.submit(int).result() == 0  # it stays open


def test_several_models_are_weighed() -> None:
    stated = {"vary": {"clock": ["500 MHz"]}, "models": [{"model": MODEL, "weight": 3.0}]}
    both = npusim.sweep(stated, "mlperf-tiny-kws").table.row(0)
    one, other = (npusim.simulate(name, "edge-npu-1").total for name in (MODEL, "mlperf-tiny-kws"))
    assert both["latency_s"] == pytest.approx((3 * one.latency_s + other.latency_s) / 4, rel=1e-15)
    joules = 3 * one.energy_j + other.energy_j
    operations = 3 * one.tops_per_watt * one.energy_j + other.tops_per_watt * other.energy_j
    assert both["energy_j"] == pytest.approx(joules / 4, rel=1e-15)
    assert both["tops_per_watt"] == pytest.approx(operations / joules, rel=1e-15)
    assert both["sram_peak_bytes"] == max(one.sram_peak_bytes, other.sram_peak_bytes)
    assert both[f"latency_s of {MODEL}"] == one.latency_s
    assert both["energy_j of mlperf-tiny-kws"] == other.energy_j


def test_an_objective_can_be_of_one_of_the_models() -> None:
    name = f"latency_s of {MODEL}"
    stated = {"vary": {"clock": ["500 MHz", "1 GHz"]}, "objectives": [name, "area"]}
    found = npusim.sweep(stated, [MODEL, "mlperf-tiny-kws"])
    assert found.summary().objectives == (name, "area_mm2")
    assert found.pareto()["clock"].tolist() == [1e9]
    with pytest.raises(UsageError, match=f"does not find {name}; it has one model"):
        npusim.sweep(stated, "mlperf-tiny-kws")
    with pytest.raises(UsageError, match="does not find utilization of x;"):
        npusim.sweep({**stated, "objectives": ["utilization of x"]}, MODEL)


def test_formats_are_an_axis(tmp_path: Path) -> None:
    table = tmp_path / "model.csv"
    table.write_text("name,m,k,n\nfirst,16,32,8\n")
    found = npusim.sweep({"vary": {"assume": ["int8", "int8*int4"]}}, table)
    assert set(found.table["status"]) == {"refused"}  # a layer table has formats of its own
    assert list(found.table["assume"]) == ["int8", "int8*int4"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"model": None}, "none is given"), ({"shard": (3, 2)}, "I/N"),
     ({"workers": 0}, "less than 1"), ({"model": [MODEL, MODEL]}, "twice")],
)  # fmt: skip
def test_mistakes_of_callers(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        npusim.sweep(SPACE, **{"model": MODEL, **keys})


def test_the_package_is_the_function() -> None:
    import npusim.sweep.space

    assert npusim.sweep({"vary": {"cores": [1]}}, MODEL).counts() == {"ok": 1}

"""`npusim sweep` and `npusim sweep-merge`: from words to tables, and every mistake by its name."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import onnx
import pytest

from tests.support.commands import document, done, refused
from tests.support.onnx_models import NetworkBuilder

VARY = ("--vary", "mac_array.rows+mac_array.cols=8,32", "--vary", "clock=500MHz:1GHz:x2")
SWEEP = ("sweep", "mlperf-tiny-ad", *VARY, "--workers", "1")
FILE = """\
vary:
  mac_array.rows+mac_array.cols: [8, 32]
  clock: 500MHz:1GHz:x2
models: [mlperf-tiny-ad]
"""


def test_points_are_summed_up() -> None:
    printed = done(*SWEEP)
    assert "4 points, 4 feasible" in printed
    assert "front" in printed and "knee" in printed and "what matters" in printed


def test_a_file_is_the_same_space(tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(FILE)
    by_file, by_options = tmp_path / "1.csv", tmp_path / "2.csv"
    done("sweep", space, "--workers", "1", "--csv", by_file)
    done(*SWEEP, "--csv", by_options)
    assert by_file.read_bytes() == by_options.read_bytes()
    assert by_file.read_text().count("\n") == 5


def test_a_store_is_gone_on_from_and_merged(tmp_path: Path) -> None:
    for part in (1, 2):
        done(*SWEEP, "--shard", f"{part}/2", "--store", tmp_path / f"{part}.db", "--quiet")
    merged = tmp_path / "all.db"
    said = done("sweep-merge", merged, tmp_path / "1.db", tmp_path / "2.db")
    assert said == f"{merged}: 4 points, 4 of them new\n"
    assert "4 points" in done(*SWEEP, "--store", merged)


def test_a_damaged_row_is_computed_again_from_what_is_saved(tmp_path: Path) -> None:
    store, saved = tmp_path / "s.db", tmp_path / "new.db"
    table = done(*SWEEP, "--store", store)
    with closing(sqlite3.connect(store)) as database:
        database.execute("UPDATE points SET energy_j = energy_j * 2 WHERE number = 1")
        database.commit()
    said = refused(2, *SWEEP, "--store", store)
    assert f"{store}: 1 row is damaged" in said and "sweep-merge --skip-damaged NEW" in said
    assert "1 row is damaged" in refused(2, "sweep-merge", tmp_path / "all.db", store)
    said = done("sweep-merge", "--skip-damaged", saved, store)
    assert said == f"{saved}: 3 points, 3 of them new\n"
    assert done(*SWEEP, "--store", saved) == table


def test_json_is_the_summary() -> None:
    found = json.loads(done(*SWEEP, "--json", "-", "--pareto", "latency,energy"))
    assert (found["points"], found["feasible"]) == (4, 4)
    assert found["objectives"] == ["latency_s", "energy_j"]
    assert found["front"]


def test_tables_for_other_tools(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "p.parquet"
    done(*SWEEP, "--parquet", path)
    table = parquet.read_table(path)
    assert table.num_rows == 4
    assert table.column("clock [Hz]").to_pylist() == [5e8, 1e9, 5e8, 1e9]
    assert str(table.schema.field("cycles").type) == "int64"


def test_points_that_cannot_be_have_a_reason() -> None:
    printed = " ".join(done(*SWEEP, "--vary", "memory.sram.banks=3,16").split())
    assert "4 infeasible" in printed and "3 banks do not divide" in printed
    only = refused_with_table(1, *SWEEP, "--vary", "memory.sram.banks=3", "--plot", "no.png")
    assert "0 feasible" in only and not Path("no.png").exists()


def refused_with_table(code: int, *arguments: object) -> str:
    """Stdout of a command that ends with exit code `code`."""
    from tests.support.commands import npusim

    result = npusim(*arguments)
    assert result.exit_code == code, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing varies"),
        (("--vary", "mac_array.row=8"), "--vary mac_array.row: unknown field"),
        (("--vary", "clock=2GHz:1GHz:x2"), "--vary clock: the range is empty"),
        (("--vary", "clock"), "expected PATH=VALUES"),
        (("--vary", "clock=1 GHz", "--vary", "clock=2 GHz"), "--vary clock: is given twice"),
        ((*VARY, "--constraint", "rows >"), "--constraint: rows >: it is no condition"),
        ((*VARY, "--constraint", "rows > 99"), "exclude all of 4 points"),
        ((*VARY, "--pareto", "latency,speed"), "--pareto: unknown objective 'speed'"),
        ((*VARY, "--pareto", "accuracy"), "'mlperf-tiny-ad' has none: no labelled samples"),
        ((*VARY, "--pareto", "latncy"), "(did you mean 'latency'?); known: latency, first_inf"),
        ((*VARY, "--pareto", "latency of x"), "does not find latency_s of x; it has one model"),
        (
            ("--vary", "clock=1GHz,2GHz", "--plot", "x.png", "--plot-kind", "heat_map"),
            "heat_map: is of two fields that vary; here clock does",
        ),
        ((*VARY, "--inputs", "x.npz"), "--inputs and --labels: go together"),
        ((*VARY, "--engine", "dask"), "--engine dask: needs the --scheduler ADDRESS"),
        ((*VARY, "--scheduler", "tcp://x:1"), "--scheduler: is for --engine dask"),
        ((*VARY, "--inputs", "x.npz", "--labels", "y.npz"), "inputs of mlperf-tiny-ad: x.npz"),
        ((*VARY, "--vary", "model=digits,mlperf-tiny-kws"), "'mlperf-tiny-ad' is not one of the"),
        ((*VARY, "--sample", "lhc:4"), "--sample: 'lhc:4' is no sample (did you mean 'lhs'?)"),
        ((*VARY, "--shard", "3/2"), "--shard: '3/2' is not I/N"),
        ((*VARY, "--hw", "edge-npu"), "did you mean 'edge-npu-1'"),
        ((*VARY, "--set", "mac_array.rows=0"), "at least 1"),
        ((*VARY, "--assume", "integer"), "--assume: unknown number format"),
        ((*VARY, "--store", "/nowhere/x.db"), "--store: /nowhere/x.db can't be written"),
        ((*VARY, "--csv", "a.yaml"), "--csv"),
    ],
)
def test_mistakes_are_refused(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(2, "sweep", "mlperf-tiny-ad", *arguments)


def test_unknown_models_and_stores(tmp_path: Path) -> None:
    assert "mlperf-tiny-ad" in refused(2, "sweep", "mlperf-tiny-a", *VARY)
    store = tmp_path / "s.db"
    done(*SWEEP, "--store", store)
    assert "another sweep" in refused(2, *SWEEP, "--constraint", "rows > 1", "--store", store)
    assert "no such store" in refused(2, "sweep-merge", tmp_path / "o.db", tmp_path / "none.db")
    assert "one of IN" in refused(2, "sweep-merge", store, store)


def test_formats_of_a_float_model_are_an_axis(tmp_path: Path) -> None:
    b = NetworkBuilder(seed=1)
    y = b.conv("image", 3, 8, 3)
    onnx.save(b.model({"image": ("N", 3, "H", "W")}, {y: ("N", 8, "H", "W")}), tmp_path / "m.onnx")
    arguments = (tmp_path / "m.onnx", "--shape", "image=1x3x32x32", "--batch", "2")
    path = tmp_path / "points.csv"
    done("sweep", *arguments, "--vary", "assume=int8,int8*int4", "--workers", "1", "--csv", path)
    rows = list(csv.DictReader(path.open()))
    assert [row["assume"] for row in rows] == ["int8", "int8*int4"]
    for row in rows:
        total = document("run", *arguments, "--assume", row["assume"])["total"]
        assert float(row["energy_j"]) == total["energy_j"]
        assert int(row["cycles"]) == total["cycles"]

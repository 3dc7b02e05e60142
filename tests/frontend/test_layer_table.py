"""Layer tables: both formats, MACs as SCALE-Sim counts them, and every mistake with its place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from npusim.errors import ModelFileError, UsageError
from npusim.frontend.layer_table import read_layer_table
from npusim.ir.loopnest import Unit
from tests.support.shared import shared_path

HEADER = (
    "name,m,n,k,height,width,filter_height,filter_width,channels,filters,stride,stride_x,groups"
)


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "layers.csv"
    path.write_text(text)
    return path


def _nests(graph):
    return {node.name: node.op.loop_nest(*graph.operands(node)) for node in graph.nodes}


def _problems(tmp_path: Path, text: str) -> list[str]:
    path = _write(tmp_path, text)
    with pytest.raises(ModelFileError) as caught:
        read_layer_table(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("table", "measured"),
    [("alexnet", "alexnet__os32_calc"), ("mobilenet", "mobilenet_v1__ws128_calc")],
)
def test_macs_of_every_layer_are_those_that_scalesim_counts(table: str, measured: str) -> None:
    graph = read_layer_table(shared_path("data", "scalesim_topologies", f"{table}.csv"))
    with shared_path("data", "measurements", "scalesim", f"{measured}.csv").open() as file:
        counted = [(row["layer_name"].strip(), int(row["macs"])) for row in csv.DictReader(file)]
    assert [(name, nest.macs) for name, nest in _nests(graph).items()] == counted


@pytest.mark.parametrize(("table", "layers"), [("Resnet50", 54), ("resnet18", 21)])
def test_scalesim_topologies_are_accepted_as_they_are(table: str, layers: int) -> None:
    graph = read_layer_table(shared_path("data", "scalesim_topologies", f"{table}.csv"))
    assert len(graph.nodes) == layers and graph.weightless


def test_scalesim_gemm_by_position_with_blanks_and_trailing_commas(tmp_path: Path) -> None:
    graph = read_layer_table(
        _write(tmp_path, "Layer, M, N, K,\nqkv , 64, 96 ,32,\n\nout,7,5,3,,\n")
    )
    extents = {name: nest.extents for name, nest in _nests(graph).items()}
    assert extents == {"qkv": (64, 1, 96, 32, 1, 1, 1, 1), "out": (7, 1, 5, 3, 1, 1, 1, 1)}


def test_own_format_convolution_with_groups_and_two_strides(tmp_path: Path) -> None:
    text = f"{HEADER}\nfc,10,20,30\nconv,,,,9,8,3,2,6,12,2,3,3\n"
    graph = read_layer_table(_write(tmp_path, text), batch=2)
    nests = _nests(graph)
    assert nests["fc"].extents == (20, 1, 20, 30, 1, 1, 1, 1)
    assert nests["conv"].extents == (2, 3, 4, 2, 4, 3, 3, 2)
    assert nests["conv"].stride == (2, 3) and nests["conv"].padding == (0, 0)


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    graph = read_layer_table(_write(tmp_path, "k, name, n, m\n3, a, 2, 1\n"))
    assert _nests(graph)["a"].extents == (1, 1, 2, 3, 1, 1, 1, 1)


def test_layers_are_independent_and_their_weights_have_no_data(tmp_path: Path) -> None:
    graph = read_layer_table(_write(tmp_path, "Layer,M,N,K\na,1,2,3\nb,1,4,2\n"))
    assert graph.inputs == ("a:input", "b:input") and graph.outputs == ("a:output", "b:output")
    assert all(tensor.data is None for tensor in graph.tensors.values())
    for nest in _nests(graph).values():
        assert nest.unit is Unit.ARRAY
        assert [operand.role for operand in nest.operands] == ["input", "weight", "output"]


def test_every_mistake_is_reported_with_line_and_column(tmp_path: Path) -> None:
    text = (
        "name,m,n,k,height,width,filter_height,filter_width,channels,filters\n"
        "a,1,x,3\n"
        "b,1,-2,0\n"
        "a,1,2,3\n"
        "c,,,,4,4,5,5,1,1\n"
        "d,1,2\n"
        "e,1,,,4\n"
        ",1,2,3\n"
        "f,1,2,3,,,,,,,9\n"
        "a,1,2,3\n"
    )
    assert _problems(tmp_path, text) == [
        "2:5: n is 'x', not a whole number of 1 or more",
        "3:5: n is '-2', not a whole number of 1 or more",
        "3:8: k is '0', not a whole number of 1 or more",
        "5:1: layer 'c': a window of 5 does not fit a padded input of 4",
        "6:1: layer 'd' lacks k",
        "7:1: layer 'e' fills columns of a GEMM and of a convolution",
        "8:1: the layer has no name",
        "9:15: more cells than the 10 columns",
        "10:1: layer 'a' is there twice",
    ]


def test_a_misspelt_column_names_the_nearest(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "name, hieght\nx,1\n")
    assert problem.startswith("1:7: unknown column 'hieght' (did you mean 'height'?)")


def test_a_column_given_twice_and_a_header_without_names(tmp_path: Path) -> None:
    assert _problems(tmp_path, "m,m\n1,2\n") == [
        "1:3: column 'm' is there twice",
        "1:1: the header has no column 'name'",
    ]


def test_groups_that_do_not_divide(tmp_path: Path) -> None:
    text = f"{HEADER}\nconv,,,,8,8,3,3,6,8,1,1,4\n"
    assert _problems(tmp_path, text) == [
        "2:1: 6 channels and 8 filters do not divide into 4 groups"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "1:1: the table is empty"), ("name,m,n,k\n", "1:1: the table has no layers")],
)
def test_empty_tables(tmp_path: Path, text: str, message: str) -> None:
    assert _problems(tmp_path, text) == [message]


def test_binary_files_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "layers.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelFileError, match="not a text file"):
        read_layer_table(path)
    with pytest.raises(UsageError, match="can't be read"):
        read_layer_table(tmp_path / "absent.csv")


def test_shares_of_zeros_are_kept_with_the_tensors(tmp_path: Path) -> None:
    header = "name,m,n,k,input_zeros,output_zeros\n"
    graph = read_layer_table(_write(tmp_path, header + "a,4,4,4,0.25,1\nb,4,4,4\n"))
    shares = {name: tensor.zeros for name, tensor in graph.tensors.items()}
    assert shares == {
        "a:input": 0.25, "a:weights": None, "a:output": 1.0,
        "b:input": None, "b:weights": None, "b:output": None,
    }  # fmt: skip


def test_shares_of_zeros_are_between_none_and_all(tmp_path: Path) -> None:
    header = "name,m,n,k,input_zeros\n"
    assert _problems(tmp_path, header + "a,4,4,4,1.5\nb,4,4,4,half\n") == [
        "2:9: input_zeros is '1.5', not a share from 0 to 1",
        "3:9: input_zeros is 'half', not a share from 0 to 1",
    ]

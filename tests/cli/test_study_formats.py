"""`npusim study formats`: tables, documents, pictures, and every mistake by name."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim.cli.study_formats import BLOCK_SCALES
from npusim.quantize.formats import block_scales
from tests.support.commands import document, done, refused

COMMAND = ("study", "formats")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """relu(x * W0) * W1 in float32."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_t(4, shape).astype(np.float32) for shape in ((16, 24), (24, 10))]
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("MatMul", ["b", "w1"], ["y"], name="second"),
    ]
    graph = helper.make_graph(
        nodes, "two layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(each, f"w{at}") for at, each in enumerate(weights)],
    )  # fmt: skip
    path = tmp_path / "two.onnx"
    opset = [helper.make_opsetid("", 17)]
    path.write_bytes(
        helper.make_model(graph, ir_version=8, opset_imports=opset).SerializeToString()
    )
    onnx.checker.check_model(str(path))
    return path


def test_the_table_of_distributions() -> None:
    lines = [line.split() for line in done(*COMMAND).splitlines()]
    [header] = [line for line in lines if line[:1] == ["distribution"]]
    [uniform] = [line for line in lines if line[:1] == ["uniform"]]
    figures = dict(zip(header, uniform, strict=True))
    assert figures["int8"] == "48.1" and figures["e5m2"] == "26.9" and figures["best"] == "int8"


def test_the_document_of_distributions(tmp_path: Path) -> None:
    found = document(
        *COMMAND, "--formats", "int8, e4m3", "--distributions", "gaussian@4.4,student:3"
    )
    assert found["schema"] == "npusim.study-formats/1" and found["model"] is None
    assert [row["name"] for row in found["rows"]] == ["gaussian@4.4", "student:3"]
    assert found["rows"][0]["clip"]["int8"] == pytest.approx(4.4)
    assert found["search"]["one_scale"]["octaves"] == 11


def test_layers_and_what_they_read(model: Path, tmp_path: Path) -> None:
    samples, table, picture = (tmp_path / name for name in ("in.npz", "out.csv", "out.svg"))
    np.savez(samples, x=np.random.default_rng(1).normal(size=(20, 16)).astype(np.float32))
    given = (*COMMAND, model, "--inputs", samples, "--block", 8, "--csv", table, "--plot", picture)
    printed = done(*given)
    for heading in ("weights, a scale per tensor", "weights, a scale per channel",
                    "weights, a scale per block of 8", "inputs, a scale per tensor"):  # fmt: skip
        assert heading in printed
    rows = list(csv.DictReader(table.open()))
    assert {row["name"] for row in rows} == {"first", "second"}
    assert {row["values"] for row in rows if row["what"] == "inputs"} == {"320", "480"}
    assert picture.read_text().startswith("<?xml")


def test_scales_of_blocks(model: Path) -> None:
    assert block_scales.BLOCK_SCALES == BLOCK_SCALES
    given = (*COMMAND, model, "--formats", "e2m1", "--block", 16, "--block-scale", "fp8_e4m3")
    assert "weights, a scale per block of 16 (fp8_e4m3)" in done(*given)


def test_distributions_beside_a_model(model: Path) -> None:
    kinds = [row["what"] for row in document(*COMMAND, model, "--distributions", "uniform")["rows"]]
    assert kinds == ["density", *["weights"] * 4]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--formats", "int8,e4n3"), "did you mean 'e4m3'"),
        (("--formats", " , "), "names nothing"),
        (("--distributions", "gausian"), "did you mean 'gaussian'"),
        (("--inputs", "x.npz"), "needs a model"),
        (("--block", "32"), "needs a model"),
        (("--block", "0"), "--block"),
        (("--block-scale", "e8m0"), "needs blocks"),
        (("--block-scale", "e8m1"), "e8m0"),
        (("--plot", "-"), "not to stdout"),
        (("--json", "-", "--csv", "-"), "stdout is taken"),
        (("--plot", "x.gif"), "endings"),
    ],
)
def test_mistakes_are_refused(options: tuple[str, ...], said: str) -> None:
    assert said in refused(2, *COMMAND, *options)


def test_models_without_float_weights_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    assert "quantized already" in refused(3, *COMMAND, "digits", "--json", target)
    assert not target.exists()
    assert "digits" in refused(2, *COMMAND, "digit")


def test_wrong_samples_are_refused(model: Path, tmp_path: Path) -> None:
    samples = tmp_path / "in.npz"
    np.savez(samples, x=np.zeros((1, 7), np.float32))
    assert "(1, 16)" in refused(2, *COMMAND, model, "--inputs", samples)
    np.savez(samples, x=np.full((1, 16), np.inf, np.float32))
    assert "not finite" in refused(2, *COMMAND, model, "--inputs", samples)


def test_unknown_formats_are_refused_before_the_model_is_read() -> None:
    assert "e4n3" in refused(2, *COMMAND, "absent.onnx", "--formats", "e4n3")


def test_the_bundled_float_network() -> None:
    """A scale a channel brings INT8 above E4M3 in every layer, by 7 dB at least."""
    found = document(*COMMAND, "digits-float", "--formats", "int8,e4m3")
    rows = [row for row in found["rows"] if row["per"] == "channel"]
    assert len(rows) == 8
    assert all(row["sqnr_db"]["int8"] > row["sqnr_db"]["e4m3"] + 7 for row in rows)

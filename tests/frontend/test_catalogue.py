"""The list of operators: complete both ways, with data types that binding confirms."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from npusim.frontend import catalogue
from npusim.frontend.catalogue import COMPOSED, ENTRIES
from npusim.frontend.onnx.table import OPERATORS
from npusim.frontend.tflite.operators import IMPORTS
from npusim.frontend.tflite.state import VARIABLES
from npusim.ir import ops
from npusim.ir.operator import Operator

TABLES = {"tflite": {*IMPORTS, *VARIABLES}, "onnx": set(OPERATORS)}


def operators() -> set[type[Operator]]:
    """Every operator that can stand in a graph."""
    for module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        importlib.import_module(module.name)
    found, queue = set(), [Operator]
    while queue:
        for each in queue.pop().__subclasses__():
            queue.append(each)
            if hasattr(each, "kind"):
                found.add(each)
    return found


@pytest.mark.parametrize("framework", TABLES)
def test_every_name_that_is_read_is_listed_and_no_other(framework):
    listed = {name for entry in ENTRIES for name in entry.names(framework)}
    assert listed | set(COMPOSED[framework]) == TABLES[framework]


def test_every_operator_is_listed():
    parts = " ".join(part for names in COMPOSED.values() for part in names.values())
    listed = {type(entry.op) for entry in ENTRIES}
    missing = {each.kind for each in operators() - listed}
    assert {kind for kind in missing if kind not in parts} == set()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.op.kind)
def test_what_is_listed_runs_in_some_format(entry):
    for framework in TABLES:
        assert bool(entry.names(framework)) == bool(entry.formats(framework))


def test_formats_that_no_kernel_takes_are_not_listed():
    conv = next(entry for entry in ENTRIES if entry.op.kind == "conv2d")
    integers = {"int8", "uint8", "int16", "int8*int4", "int16*int4"}
    assert set(conv.formats("tflite")) == {*integers, "fp32"}
    floats = {"fp8_e4m3", "fp8_e5m2", "fp16", "bf16", "fp32"}
    assert set(conv.formats("onnx")) == {*integers, "uint16", *floats}


def test_the_words():
    words = {entry.op.kind: entry.data_types for entry in catalogue.ENTRIES}
    assert words["transpose"] == "any"
    assert words["neg"] == ("TFLite: int8, int16, fp32; ONNX: int8, uint8, int16, uint16, floats")
    assert words["dynamic_quantize"] == "fp32"
    assert words["quantize"] == "TFLite: fp32; ONNX: fp16, bf16, fp32"
    stored = "int4, uint4, int8, uint8, int16, uint16, fp8_e4m3, fp8_e5m2"
    assert words["dequantize"].endswith(f"ONNX: {stored}")


def test_recurrent_layers_are_not_listed_on_scaled_floats():
    """They have no quantized form; fp16 they take as it is."""
    lstm = next(entry for entry in ENTRIES if entry.op.kind == "lstm")
    assert lstm.formats("onnx") == ("fp16", "bf16", "fp32")

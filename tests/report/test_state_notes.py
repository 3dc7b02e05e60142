"""A report says how much a model remembers, and where it lies."""

from __future__ import annotations

from npusim import api
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from tests.support.graphs import Build
from tests.support.tflite_state import memory


def notes_of(graph: Graph, **overrides: object) -> list[str]:
    """The notes about state."""
    hardware = api.load_hardware("edge-npu-1", overrides)
    report = api.report_of(api.schedule(api.Model(graph), hardware))
    return [note for note in report.notes if "remembers" in note]


def remembering(folder, as_output: bool) -> Graph:
    """One variable of 15 bytes, whose new value is an output or not."""
    model = memory()
    if not as_output:
        other = model.tensor("z", (1, 3, 5), "int8", 0.05, 3)
        model.operator("ADD", [model.outputs[0], model.inputs[0]], [other], "AddOptions", 2)
        model.outputs = [other]
    file = folder / "memory.tflite"
    file.write_bytes(model.content())
    return load_model(file)


def test_a_state_in_sram_has_two_places(tmp_path):
    (note,) = notes_of(remembering(tmp_path, as_output=False))
    assert "15 bytes in SRAM" in note and "second memory" not in note


def test_a_state_that_leaves_the_chip_is_said_to(tmp_path):
    (note,) = notes_of(remembering(tmp_path, as_output=True))
    assert "15 bytes read from and written to the second memory" in note


def test_a_model_that_forgets_has_no_note():
    build = Build()
    build.fully_connected(build.input(1, 8), 4)
    assert notes_of(build.graph()) == []

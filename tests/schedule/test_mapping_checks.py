"""Each mistake in a mapping file is told with its line and column, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from npusim.errors import DescriptionError
from npusim.hardware import load_hardware
from npusim.ir.graph import Graph
from npusim.ir.ops.axes.softmax import Softmax
from npusim.schedule.mapping import read_mapping
from tests.support.counted import conv_graph, without_vector_op
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.mappings import problems, read

HEAD = "npusim: mapping/1\n"
EDGE = load_hardware("edge-npu-1")

WRONG = [
    ("", "1:1", "expected a mapping"),
    ("npusim: ]", "1:9", "not YAML"),
    ("steps: []", "1:1", "expected 'npusim: mapping/1', found None"),
    ("npusim: mapping/2", "1:9", "expected 'npusim: mapping/1', found 'mapping/2'"),
    (HEAD + "stepz: []", "2:1", "unknown key 'stepz' (did you mean 'steps'?)"),
    (HEAD + "weights_stay: 1", "2:15", "expected true or false, found 1"),
    (HEAD + "resident: mid", "2:11", "expected a list of tensors"),
    (HEAD + "resident: [mit]", "2:12", "unknown tensor 'mit' (did you mean 'mid'?)"),
    (HEAD + "resident: [mid, mid]", "2:17", "tensor 'mid' is here twice: the first is at"),
    (HEAD + "resident: [w]", "2:12", "'w' can't stay in SRAM: it is a constant"),
    (HEAD + "resident: [7]", "2:12", "expected the name of a tensor in quotes, found 7"),
    (HEAD + "steps: {}", "2:8", "expected a list of steps"),
    (HEAD + "steps: [conv]", "2:9", "expected a step such as"),
    (HEAD + "steps: [{tile: {}}]", "2:9", "expected name: the name of a step, it has none"),
    (HEAD + "steps: [{name: 3}]", "2:16", "expected name: the name of a step, found 3"),
    (HEAD + "steps: [{name: con}]", "2:16", "unknown step 'con' (did you mean 'conv'?)"),
    (HEAD + "steps: [{name: flat}]", "2:16", "step 'flat' is a view and costs nothing"),
    (HEAD + "steps: [{name: conv}, {name: conv}]", "2:30", "step 'conv' is here twice"),
    (HEAD + "steps: [{name: conv, tiles: {}}]", "2:22", "unknown key 'tiles' (did you mean 'tile'"),
    (HEAD + "steps: [{name: conv, tile: 3}]", "2:28", "expected sizes such as {K: 16, OY: 8}"),
    (HEAD + "steps: [{name: conv, tile: {OXX: 3}}]", "2:29", "'OXX' (did you mean 'OX'?)"),
    (HEAD + "steps: [{name: conv, tile: {K: 17}}]", "2:32", "17 is more than the loop K of step"),
    (HEAD + "steps: [{name: conv, tile: {K: 0}}]", "2:32", "0 is not positive"),
    (HEAD + "steps: [{name: conv, tile: {K: -4}}]", "2:32", "-4 is not positive"),
    (HEAD + "steps: [{name: conv, tile: {K: 1.5}}]", "2:32", "expected a whole number"),
    (HEAD + "steps: [{name: conv, tile: {K: true}}]", "2:32", "expected a whole number"),
    (HEAD + "steps: [{name: conv, tile: {K: null}}]", "2:32", "expected a whole number"),
    (HEAD + "steps: [{name: conv, loop_order: input_outer}]", "2:34", "(did you mean 'inputs_o"),
    (HEAD + "steps: [{name: conv, loop_order: [a]}]", "2:34", "unknown loop_order ['a']"),
    (HEAD + "steps: [{name: conv, dataflow: depth_first}]", "2:32", "those of edge-npu-1 are wei"),
    (HEAD + "steps: [{name: conv, core_split: OY}]", "2:34", "unknown core_split 'OY'"),
    (HEAD + "steps: [{name: twice, dataflow: x}]", "2:23", "runs on the vector unit"),
    (HEAD + "steps: [{name: twice, loop_order: weights_outer}]", "2:35", "are inputs_outer"),
]


@pytest.mark.parametrize(("text", "where", "what"), WRONG)
def test_a_mistake_is_told_with_its_place(text: str, where: str, what: str) -> None:
    ((place, found),) = problems(text, conv_graph(), EDGE)
    assert place == where
    assert what in found


def test_all_mistakes_are_told_at_once_in_the_order_of_the_text() -> None:
    text = HEAD + (
        "weights_stay: maybe\nresident: [nowhere]\nsteps:\n"
        "- {name: conv, tile: {K: 99, C: 0}}\n- {name: cnov}\n"
    )
    found = problems(text, conv_graph(), EDGE)
    assert [where for where, _ in found] == ["2:15", "3:12", "5:26", "5:33", "6:10"]


def test_limits_of_the_hardware_hold_for_files_too() -> None:
    hardware = tiny(mapping__tile_max__K=12, mapping__tile_multiple__K=4)
    step = HEAD + "steps: [{{name: conv, tile: {{K: {}}}}}]"
    ((_, what),) = problems(step.format(16), conv_graph(), hardware)
    assert what == "16 is more than edge-npu-1 allows: mapping.tile_max 12"
    ((_, what),) = problems(step.format(6), conv_graph(), hardware)
    assert what == "6 is not a multiple of 4 (mapping.tile_multiple) nor the whole"
    assert read(step.format(12), conv_graph(), hardware).of("conv").size("K") == 12


def test_what_cannot_be_cut_is_refused() -> None:
    graph = _classifier()
    ((where, what),) = problems(HEAD + "steps: [{name: softmax_1, tile: {K: 5}}]", graph, EDGE)
    assert where == "2:37"
    assert what == "softmax can't be cut along K: expected the whole 10"


def _classifier() -> Graph:
    build = Build()
    build.add_node(Softmax(), build.fully_connected(build.input(1, 16), 10))
    return build.graph()


def test_a_step_of_the_host_has_no_tiles() -> None:
    hardware = without_vector_op(EDGE, "softmax")
    ((_, what),) = problems(HEAD + "steps: [{name: softmax_1}]", _classifier(), hardware)
    assert what == "step 'softmax_1' runs on the host: it has no tiles"


def test_a_memory_that_keeps_nothing_is_respected() -> None:
    inputs_only = tiny(memory__sram__holds=["inputs"])
    text = HEAD + "weights_stay: true\nresident: [mid]"
    found = problems(text, conv_graph(), inputs_only)
    assert [where for where, _ in found] == ["2:15", "3:12"]
    assert "keeps no weights in SRAM" in found[0][1]
    assert "keeps no tensor in SRAM" in found[1][1]


def test_behind_flash_all_tensors_stay() -> None:
    ((where, what),) = problems(
        HEAD + "resident: [mid]", conv_graph(), load_hardware("ethos-u55-128")
    )
    assert where == "2:11"
    assert what.endswith("so all tensors stay; missing: in, sum")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="there is no file"):
        read_mapping(tmp_path / "absent.yaml", conv_graph(), EDGE)
    path = tmp_path / "m.yaml"
    path.write_bytes(b"npusim: \xff")
    with pytest.raises(DescriptionError, match="not UTF-8"):
        read_mapping(path, conv_graph(), EDGE)
    path.write_text(HEAD + "#" * (3 << 20))
    with pytest.raises(DescriptionError, match="not a mapping of this model"):
        read_mapping(path, conv_graph(), EDGE)
    path.write_text(HEAD + "steps: [" + "1, " * 20_000 + "]")
    with pytest.raises(DescriptionError, match="values: this is not"):
        read_mapping(path, conv_graph(), EDGE)

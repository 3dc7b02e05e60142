"""Cascades: each row is computed once, what a stripe reads is there, and no bit changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npusim import load_model, simulate
from npusim.errors import DescriptionError, DoesNotFitError
from npusim.execution.executor import Executor
from npusim.hardware.loader import load_hardware
from npusim.ir.graph import Graph
from npusim.ir.ops.pairs.add import Add
from npusim.kernels.table import kernels
from npusim.numerics.profiles import PROFILES
from npusim.schedule.cascade import cascaded, stripes_of
from npusim.schedule.fixed import Cascade, Mapping
from npusim.schedule.mapping import dump_mapping, mapping_of, read_mapping
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import count, latency_cycles
from tests.support.cascades import OY, cascades_of_graphs
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import program_of

SMALL = {"memory.sram.size": "192 KiB", "mapping.fusion": ["activation", "cascade"]}


def chain(height: int = 12) -> Graph:
    """Three convolutions and the sum of two over images of 12 x 12."""
    build = Build()
    x = build.input(1, height, 12, 8)
    a = build.conv(x, 8, (3, 3), padding=(1, 1, 1, 1))
    b = build.conv(a, 8, (5, 5), padding=(2, 2, 2, 2))
    c = build.add_node(Add(), a, b)
    build.conv(c, 16, (3, 3), stride=(2, 2), padding=(1, 1, 1, 1))
    return build.graph()


@given(cascades_of_graphs())
def test_each_row_is_computed_once_and_work_stays_the_same(case):
    graph, _, lowered, cascade = case
    striped = cascaded(graph, lowered, [cascade])
    for at, step in enumerate(lowered.steps):
        own = [one for one in striped.steps if one.node is step.node]
        rows = [(one.first_row, one.first_row + one.nest.extents[OY]) for one in own]
        if step.whole is None and len(own) > 1:
            assert rows[0][0] == 0 and rows[-1][1] == step.nest.extents[OY], at
            assert all(a[1] == b[0] for a, b in itertools.pairwise(rows))
        assert sum(one.nest.macs for one in own) == step.nest.macs
        assert sum(one.nest.vector_ops for one in own) == step.nest.vector_ops


@given(cascades_of_graphs())
def test_what_a_stripe_reads_is_there_and_still_held(case):
    """Rows are followed one by one through rolling buffers of the stated height."""
    graph, _, lowered, cascade = case
    stripes = stripes_of(graph, lowered.steps, cascade)
    made: dict[str, int] = {}
    for stripe in range(len(stripes.stops[0])):
        for at in range(cascade.first, cascade.last + 1):
            start, stop = stripes.rows(at, stripe)
            if start == stop:
                continue
            step = lowered.steps[at]
            for operand in step.nest.operands:
                if operand.tensor in made and operand.role == "input":
                    low, high = _rows_read(step, operand, start, stop)
                    assert high <= made[operand.tensor]
                    held = stripes.held_rows.get(operand.tensor)
                    assert held is None or low >= made[operand.tensor] - held
            for name in step.node.outputs:
                made[name] = stop


def _rows_read(step, operand, start, stop):
    if not operand.window:
        return start, stop
    nest = step.nest
    low = start * nest.stride[0] - nest.padding[0]
    high = (stop - 1) * nest.stride[0] + (nest.extents[6] - 1) * nest.dilation[0] + 1
    return max(0, low), max(0, min(nest.input_size[0], high - nest.padding[0]))


def forced(graph: Graph, hardware, *cascades: Cascade) -> Program:
    """The Program with these cascades, whatever they cost."""
    mapping = Mapping(cascades=cascades)
    try:
        return build_program(graph, hardware, latency_cycles, mapping=mapping)
    except DoesNotFitError:
        assume(False)
        raise


@settings(deadline=None)
@given(cascades_of_graphs(), st.integers(0, 2**32 - 1))
def test_stripes_change_no_bit(case, seed):
    graph, hardware, _, cascade = case
    program = forced(graph, hardware, cascade)
    random = np.random.default_rng(seed)
    inputs = {
        name: random.integers(-128, 128, graph.tensors[name].shape).astype(np.int8)
        for name in graph.inputs
    }
    plain = Executor(forced(graph, hardware), PROFILES["tflite-reference"], kernels())
    striped = Executor(program, PROFILES["tflite-reference"], kernels())
    expected = plain.run(inputs)
    for by_tiles in (False, True):
        for name, found in striped.run(inputs, by_tiles=by_tiles).items():
            np.testing.assert_array_equal(found, expected[name])


@given(cascades_of_graphs())
def test_counts_of_stripes_add_up_to_those_of_the_layers(case):
    graph, hardware, _, cascade = case
    whole, striped = count(forced(graph, hardware)), count(forced(graph, hardware, cascade))
    for what in ("issued_macs", "output_elements"):
        assert sum(getattr(step, what) for step in striped.steps) == sum(
            getattr(step, what) for step in whole.steps
        )
    assert sum(striped.cycles_by_cause.values()) == pytest.approx(striped.cycles)


def test_a_cascade_saves_traffic_where_feature_maps_do_not_fit():
    """MobileNetV2 on 512 KiB: its first feature maps are larger than that."""
    graph, hardware = load_model("mobilenet-v2").graph, load_hardware("edge-npu-1")
    free = count(build_program(graph, hardware, latency_cycles))
    none = count(forced(graph, hardware))
    assert free.program.cascades
    assert free.cycles < none.cycles
    assert _traffic(free) < 0.8 * _traffic(none)


def _traffic(counts) -> int:
    return sum(step.dram_read_bytes + step.dram_write_bytes for step in counts.steps)


def test_a_network_that_only_fits_in_stripes_runs_in_stripes():
    """Behind flash every tensor must stay in SRAM: 96 x 48 x 48 of them do not fit in 192 KiB."""
    build = Build()
    x = build.input(1, 48, 48, 8)
    a = build.conv(x, 96, (1, 1))
    b = build.conv(a, 96, (3, 3), padding=(1, 1, 1, 1), groups=96)
    build.conv(b, 8, (1, 1))
    hardware = load_hardware("ethos-u55-128", overrides=SMALL)
    graph = build.graph()
    with pytest.raises(DoesNotFitError):
        build_program(graph, hardware, latency_cycles, mapping=Mapping(cascades=()))
    program = program_of(graph, hardware)
    assert program.cascades
    assert program.sram_peak_bytes <= 192 * 1024


def test_a_dumped_mapping_gives_the_same_cascades_again(tmp_path):
    graph, hardware = load_model("mobilenet-v2").graph, load_hardware("edge-npu-1")
    program = program_of(graph, hardware)
    file = tmp_path / "m.yaml"
    file.write_text(dump_mapping(program))
    again = build_program(
        graph, hardware, latency_cycles, mapping=read_mapping(file, graph, hardware)
    )
    assert mapping_of(again) == mapping_of(program)
    assert latency_cycles(again) == latency_cycles(program)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{first: conv2d_0, last: conv2d_1}", "rows is missing"),
        ("{first: conv2d_0, last: conv2d_9, rows: 2}", "unknown step 'conv2d_9'"),
        ("{first: conv2d_1, last: conv2d_0, rows: 2}", "two steps at least"),
        ("{first: conv2d_0, last: conv2d_1, rows: 12}", "expected 1 to 11"),
        ("{first: conv2d_0, last: conv2d_1, rows: 2, tile: 1}", "unknown key 'tile'"),
        ("conv2d_0", "expected {first"),
    ],
)
def test_a_wrong_cascade_is_explained(tmp_path, entry, message):
    file = tmp_path / "m.yaml"
    file.write_text(f"npusim: mapping/1\ncascades: [{entry}]\n")
    with pytest.raises(DescriptionError, match=message):
        read_mapping(file, chain(), load_hardware("edge-npu-1"))


def test_hardware_that_runs_no_cascades_has_none(tmp_path):
    hardware = load_hardware("edge-npu-1", overrides={"mapping.fusion": ["activation"]})
    assert not program_of(load_model("mobilenet-v2").graph, hardware).cascades
    file = tmp_path / "m.yaml"
    file.write_text("npusim: mapping/1\ncascades: [{first: conv2d_0, last: conv2d_1, rows: 2}]\n")
    with pytest.raises(DescriptionError, match="no layers in stripes"):
        read_mapping(file, chain(), hardware)


def test_every_layer_of_a_report_is_one_operator():
    report = simulate("mobilenet-v2", "edge-npu-1")
    names = [layer.name for layer in report.layers]
    assert len(set(names)) == len(names)
    assert max(layer.stripes for layer in report.layers) > 1
    assert sum(layer.cycles for layer in report.layers) == pytest.approx(report.total.cycles)


def test_weights_of_a_cascade_are_brought_once_where_there_is_room():
    """Stripes after the first read them from SRAM; without room each stripe brings them again."""
    graph = chain()
    weights = graph.tensors[graph.nodes[1].inputs[1]].size_bytes
    mapping = Mapping(cascades=(Cascade(0, 3, 2),), weights_stay=False)
    for holds, stays in ((["weights", "inputs", "outputs"], True), (["inputs", "outputs"], False)):
        hardware = tiny(memory__sram__holds=holds)
        program = build_program(graph, hardware, latency_cycles, mapping=mapping)
        steps = [one for one in count(program).steps if one.step.node is graph.nodes[1]]
        first, *later = (one.dram_read_bytes for one in steps)
        assert first >= weights
        assert all(read == 0 if stays else read >= weights for read in later)

"""SCALE-Sim's compute cycles, exactly, layer by layer: the development tables, and a run on small
layers for the arrays and dataflows that those lack."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import pytest

from npusim import api
from tests.benchmarks.against_scalesim import HEADER, Array, array_of, compared, hardware_of
from tests.support.shared import shared_path

LAYERS = """\
A,14,14,3,3,5,20,1,
B,15,13,5,3,7,33,2,
C,8,8,1,1,40,9,1,
D,9,9,3,3,16,1,2,
E,1,1,1,1,70,50,1,
"""
RUNS = {
    Array("input_stationary", 8, 12): (3311, 2477, 1049, 971, 683),
    Array("input_stationary", 32, 16): (1763, 1331, 695, 394, 383),
    Array("input_stationary", 64, 64): (629, 445, 198, 572, 479),
    Array("weight_stationary", 12, 20): (743, 1403, 423, 695, 773),
    Array("output_stationary", 16, 8): (1808, 1904, 495, 165, 643),
}
"""Total Cycles of SCALE-Sim 3.0.0 on LAYERS, bandwidth mode CALC, 64 KiB a buffer: our own run."""


@pytest.mark.parametrize("run", ["alexnet__os32", "alexnet__ws128", "mobilenet_v1__ws128"])
def test_every_layer_of_the_development_tables_is_exact(run):
    rows = compared(shared_path("data", "measurements", "scalesim", f"{run}_calc.csv"))
    assert rows
    assert [row for row in rows if row.simulated != row.measured] == []


@pytest.mark.parametrize("array", RUNS, ids=lambda array: f"{array.dataflow}-{array.rows}")
def test_small_layers_are_exact_on_other_arrays(array, tmp_path):
    """It counts from 0: one less than the number of cycles."""
    table = tmp_path / "layers.csv"
    table.write_text(HEADER + LAYERS)
    report = api.simulate(table, hardware_of(array))
    assert tuple(layer.array_busy_cycles - 1 for layer in report.layers) == RUNS[array]


@pytest.mark.parametrize("array", RUNS, ids=lambda array: f"{array.dataflow}-{array.rows}")
@pytest.mark.parametrize("network", ["alexnet", "mobilenet", "resnet18", "Resnet50"])
def test_every_network_follows_the_fold_formula(network, array):
    """Folds x (load + stream + rows + columns - 2), from the published sizes alone."""
    model = api.load_model(shared_path("data", "scalesim_topologies", f"{network}.csv"))
    report = api.simulate(model, hardware_of(array))
    expected = []
    for node in model.graph.nodes:
        nest = node.op.loop_nest(*model.graph.operands(node))
        images, _, filters, channels, height, width, *taps = nest.extents
        pixels, reduction = images * height * width, channels * taps[0] * taps[1]
        down, across, stream = {
            "weight_stationary": (reduction, filters, pixels),
            "input_stationary": (reduction, pixels, filters),
            "output_stationary": (pixels, filters, reduction),
        }[array.dataflow]
        load = 0 if array.dataflow == "output_stationary" else array.rows
        folds = ceil(down / array.rows) * ceil(across / array.cols)
        expected.append(folds * (load + stream + array.rows + array.cols - 2))
    assert [layer.array_busy_cycles for layer in report.layers] == expected


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("resnet50__is64_calc.csv", Array("input_stationary", 64, 64)),
        ("a__ws16x32.csv", Array("weight_stationary", 16, 32)),
    ],
)
def test_the_name_of_a_run_says_its_array(name, array):
    assert array_of(Path(name)) == array

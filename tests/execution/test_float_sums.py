"""Floats on the array: sums in the order of the Program's tiles, and the same bits in both ways."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.errors import UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.ir.ops.pairs.add import Add
from npusim.kernels.table import kernels
from npusim.numerics.floats import LAYOUTS, decode, encode
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, INT8, Format
from npusim.numerics.profiles import profile_named
from npusim.schedule.program import Program
from npusim.schedule.tables import ARRAY, HOST, VECTOR
from tests.support.float_graphs import as_floats, float_inputs
from tests.support.graphs import Build, graphs, only
from tests.support.machines import machine_with, tiny
from tests.support.programs import program_of

FORMATS = (FP8_E4M3, FP8_E5M2, FP16, BF16, FP32)
PATHS = ("reference", kernels().path)


def float_machine(**changes: Any) -> Hardware:
    """A 4 x 4 array of every float format; `accumulator__*` as in a description."""
    settings: dict[str, Any] = {
        key if key.startswith("output_stage") else f"mac_array__{key}": value
        for key, value in changes.items()
    }
    for name in ("fp16", "bf16", "fp32"):
        settings[f"mac_array__precisions__{name}*{name}"] = 1
    settings["mac_array__accumulator__on_overflow"] = None
    return tiny(memory__sram__size="256 KiB", **settings)


def run(program: Program, path: str, **options: Any) -> dict[str, np.ndarray]:
    executor = Executor(program, profile_named("onnx"), kernels(path))
    return executor.run(float_inputs(program.graph, 3), **options)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray], graph: Graph) -> bool:
    """The same bits; any NaN equals any other."""
    for name in a:
        fmt = graph.tensors[name].format
        first, second = (x[name].view(f"u{x[name].itemsize}") for x in (a, b))
        numbers = ~np.isnan(decode(a[name], fmt)) | ~np.isnan(decode(b[name], fmt))
        if np.any((first != second) & numbers):
            return False
    return a.keys() == b.keys()


@given(
    graphs(most_operators=2, most_extent=8), st.sampled_from(FORMATS),
    st.sampled_from(["fp16", "bf16", "fp32"]), st.sampled_from([1, 2, 3, 8]),
    st.sampled_from(["exact", "rounded"]), st.sampled_from(["keep", "flush"]),
    st.integers(0, 2**31), st.integers(1, 6),
)  # fmt: skip
def test_tile_by_tile_equals_layer_at_once(
    graph: Graph, fmt: Format, total: str, tree: int, products: str, subnormals: str,
    seed: int, depth: int,
) -> None:  # fmt: skip
    hardware = float_machine(
        accumulator__format=total, accumulator__tree=tree,
        accumulator__products=products, accumulator__subnormals=subnormals,
    )  # fmt: skip
    program = program_of(as_floats(graph, fmt, seed), hardware)
    table = program.table.copy()
    on_array = table["unit"] == ARRAY
    table["tile_c"][on_array] = np.minimum(table["c"], depth)[on_array]
    program = dataclasses.replace(program, table=table)
    results = [
        run(program, path, by_tiles=by_tiles) for path in PATHS for by_tiles in (False, True)
    ]
    for other in results[1:]:
        assert same(results[0], other, program.graph)


def _fp16_sum(x: np.ndarray, w: np.ndarray, chunks: list[range]) -> np.float16:
    """FP8 products added to a half one by one; float64 holds product and sum exactly."""
    total = np.float16(0)
    for chunk in chunks:
        for c in chunk:
            total = np.float16(np.float64(total) + np.float64(x[c]) * np.float64(w[c]))
    return total


@pytest.mark.parametrize("fmt", [FP8_E4M3, FP8_E5M2], ids=lambda fmt: fmt.name)
def test_a_fully_connected_layer_by_hand(fmt: Format) -> None:
    graph = as_floats(only(lambda b, x: b.fully_connected(x, 5, bias=True), 3, 37), fmt, 11)
    program = program_of(graph, float_machine(accumulator__format="fp16"))
    (node,) = graph.nodes
    x, w, bias, y = (graph.tensors[name] for name in (*node.inputs, *node.outputs))
    given = float_inputs(graph, 3)[x.name]
    scale = x.quantization.scalar_scale * w.quantization.scalar_scale
    expected = np.empty((3, 5), np.uint8)
    for row in range(3):
        for unit in range(5):
            a, b = decode(given, fmt)[row], decode(w.data, fmt)[unit]
            total = np.float32(_fp16_sum(a, b, [range(37)])) * scale + bias.data[unit]
            expected[row, unit] = encode(total / y.quantization.scalar_scale, fmt, saturate=True)
    (found,) = run(program, "reference").values()
    assert np.array_equal(found, expected)


def test_the_order_of_a_convolution_is_tile_then_tap_then_channel() -> None:
    """In FP16, 2048 + 1 - 2048 is 0 but 2048 - 2048 + 1 is 1: the schedule decides the sum."""
    build = Build()
    build.conv(build.input(1, 1, 2, 2), 1, (1, 2))
    graph = as_floats(build.graph(), FP16, 0)
    (node,) = graph.nodes
    ones = np.ones((1, 1, 2, 2), np.float16)
    weights = dataclasses.replace(graph.tensors[node.inputs[1]], data=ones)
    graph = dataclasses.replace(graph, tensors={**graph.tensors, weights.name: weights})
    program = program_of(graph, float_machine(accumulator__format="fp16"))
    x = np.array([[[[2048, 1], [-2048, 0]]]], np.float16)  # tap 0: 2048, 1; tap 1: -2048, 0
    found = {}
    for depth in (1, 2):
        table = program.table.copy()
        table["tile_c"] = depth
        cut = dataclasses.replace(program, table=table)
        executor = Executor(cut, profile_named("onnx"), kernels("reference"))
        found[depth] = float(executor.run({"in0": x})[node.outputs[0]].reshape(()))
    assert found == {1: 1.0, 2: 0.0}  # by channels: 2048 - 2048 + 1 + 0; whole: 2048 + 1 - 2048 + 0


def test_what_the_array_has_no_rate_for_runs_on_the_host() -> None:
    graph = as_floats(only(lambda b, x: b.conv(x, 4), 1, 3, 3, 2), BF16, 5)
    (step,) = program_of(graph, machine_with()).steps
    assert step.unit == HOST and step.pair == ""


def test_the_vector_unit_rounds_once_to_the_narrow_format() -> None:
    build = Build()
    a = build.input(1, 2, 2, 3)
    build.add_node(Add(), a, a)
    graph = as_floats(build.graph(), FP16, 5)
    program = program_of(graph, float_machine())
    assert program.steps[0].unit == VECTOR
    x = float_inputs(graph, 3)["in0"]
    (found,) = run(program, "reference").values()
    assert np.array_equal(found, x + x)


@pytest.mark.parametrize(("fmt", "beyond"), [(FP8_E4M3, np.nan), (FP8_E5M2, np.inf)])
def test_what_lies_beyond_fp8_is_a_choice_of_the_hardware(fmt: Format, beyond: float) -> None:
    graph = as_floats(only(lambda b, x: b.conv(x, 1), 1, 1, 1, 1), fmt, 5)
    (node,) = graph.nodes
    weights = dataclasses.replace(
        graph.tensors[node.inputs[1]], data=encode(np.full((1, 1, 1, 1), 64), fmt)
    )
    graph = dataclasses.replace(graph, tensors={**graph.tensors, weights.name: weights})
    x = encode(np.full((1, 1, 1, 1), 2.0**15 if fmt == FP8_E5M2 else 256.0), fmt)
    found = {}
    for choice in ("saturate", "nonsaturating"):
        program = program_of(graph, float_machine(output_stage__fp8_overflow=choice))
        executor = Executor(program, profile_named("onnx"), kernels())
        found[choice] = float(decode(executor.run({"in0": x})[node.outputs[0]], fmt).reshape(()))
    assert found["saturate"] == LAYOUTS[fmt.name].greatest
    assert np.array_equal(found["nonsaturating"], beyond, equal_nan=True)


def test_integers_are_not_summed_in_floats() -> None:
    build = Build()
    build.conv(build.input(1, 4, 4, 3), 2)
    hardware = tiny(
        mac_array__accumulator__format="fp16", mac_array__accumulator__on_overflow="infinity"
    )
    program = program_of(build.graph(), hardware)
    assert {t.format for t in program.graph.tensors.values()} == {INT8}
    with pytest.raises(UnsupportedModelError, match="fp16"):
        Executor(program, profile_named("onnx"), kernels())

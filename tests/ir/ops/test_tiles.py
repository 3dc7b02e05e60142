"""Tile by tile equals layer at once, to the bit, for every operator that TFLite models have."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from npusim.errors import UnsupportedModelError
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from npusim.ir.loopnest import DIMS, LoopNest, Tile, Unit
from npusim.ir.operator import ArrayKernel
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_cases import KINDS, inputs_for
from tests.support.tflite_wide import WIDE

SMALLEST = {"B": 1, "G": 1, "K": 1, "C": 1, "OY": 3, "OX": 3}
"""Smallest tile; pixels are many, so that single ones would only take time."""


def tiles(nest: LoopNest, sizes: dict[str, int], loops: tuple[str, ...]) -> list[Tile]:
    """All tiles of at most `sizes` in `loops`; loops that may not be cut stay whole."""
    ranges = []
    for dim, extent in zip(DIMS[:6], nest.extents, strict=False):
        step = max(1, sizes[dim]) if dim in nest.splits and dim in loops else max(extent, 1)
        ranges.append([(low, min(low + step, extent)) for low in range(0, extent, step)])
    return [
        Tile(*b, *g, *k, *c, *y, *x) for b, g, k, c, y, x in itertools.product(*ranges)
    ]  # fmt: skip


def by_tiles(graph: Graph, arrays: dict[str, np.ndarray], profile: str, sizes: dict[str, int]):
    """The output of a graph of one node, computed one tile at a time."""
    (node,) = graph.nodes
    ins, outs = graph.operands(node)
    kernel = node.op.bind(ins, outs, profile_named(profile), kernels("reference"))
    nest = node.op.loop_nest(ins, outs)
    values = [arrays[name] if name else None for name in node.inputs]
    out = empty_like_memory(outs[0].shape, outs[0].format.dtype, outs[0].channel_axis)
    if not isinstance(kernel, ArrayKernel):
        cut = [dim for dim in DIMS if dim != "C" or nest.unit is not Unit.ARRAY]
        for tile in tiles(nest, sizes, tuple(cut)):
            kernel.compute(values, [out], tile)
        return out
    for tile in tiles(nest, sizes, ("B", "G", "K", "OY", "OX")):
        b, g, k, _, y, x = ((tile[i], tile[i + 1]) for i in range(0, 12, 2))
        acc = np.zeros([high - low for low, high in (b, y, x, g, k)], np.int32)
        for part in tiles(nest, sizes, ("C",)):
            kernel.accumulate(values, acc, tile._replace(c0=part.c0, c1=part.c1))
        kernel.drain(acc, out, tile)
    return out


@pytest.mark.parametrize("kind", list(KINDS))
@given(
    seed=st.integers(0, 2**16),
    dtype=st.sampled_from(["int8", "uint8"]),
    profile=st.sampled_from([*litert.PROFILES, "onnx", "single-rounding"]),
    sizes=st.fixed_dictionaries({dim: st.integers(SMALLEST[dim], 9) for dim in DIMS[:6]}),
)
def test_tile_by_tile_equals_layer_at_once(kind, seed, dtype, profile, sizes, tmp_path_factory):
    rng = np.random.default_rng(seed)
    model = KINDS[kind](rng, dtype)
    inputs = inputs_for(model, rng)
    file = tmp_path_factory.mktemp("tiles") / "model.tflite"
    file.write_bytes(model.content())
    graph = load_model(file)
    try:
        values = evaluate(graph, inputs, profile)
    except UnsupportedModelError:
        reject()
    name = graph.outputs[0]
    np.testing.assert_array_equal(by_tiles(graph, values, profile, sizes), values[name])


@pytest.mark.parametrize("kind", list(WIDE))
@pytest.mark.parametrize("seed", range(2))
def test_tile_by_tile_equals_layer_at_once_on_16_bits(kind, seed, tmp_path):
    rng = np.random.default_rng([seed, 16])
    model = WIDE[kind](rng, "int16")
    inputs = inputs_for(model, rng)
    (tmp_path / "model.tflite").write_bytes(model.content())
    graph = load_model(tmp_path / "model.tflite")
    sizes = {dim: int(rng.integers(SMALLEST[dim], 10)) for dim in DIMS[:6]}
    values = evaluate(graph, inputs, "xnnpack")
    name = graph.outputs[0]
    np.testing.assert_array_equal(by_tiles(graph, values, "xnnpack", sizes), values[name])

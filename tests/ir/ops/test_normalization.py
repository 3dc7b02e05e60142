"""Normalizations tile by tile equal the whole, and their loop nests keep rows whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import DIMS
from npusim.ir.operator import Operator
from npusim.ir.ops.norms.batch_norm import BatchNorm
from npusim.ir.ops.norms.group_norm import GroupNorm
from npusim.ir.ops.norms.instance_norm import InstanceNorm
from npusim.ir.ops.norms.layer_norm import LayerNorm
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT8, UINT8
from npusim.numerics.profiles import PROFILES
from npusim.numerics.quantization import Quantization
from tests.ir.ops.test_tiles import by_tiles
from tests.support.evaluate import evaluate

CASES = {
    "layer norm": (LayerNorm(), (2, 5, 3, 12), (12,), -1),
    "layer norm of rows": (LayerNorm(), (3, 7, 9), (9,), -1),
    "layer norm of images": (LayerNorm(1e-3, 2), (2, 6, 4, 5), (4, 5), 1),
    "layer norm of all": (LayerNorm(axis=1), (3, 2, 8), (2, 8), -1),
    "batch norm": (BatchNorm(), (2, 6, 4, 5), (6,), 1),
    "batch norm of rows": (BatchNorm(), (9, 6), (6,), -1),
    "instance norm": (InstanceNorm(), (2, 6, 4, 5), (6,), 1),
    "instance norm, channels not innermost": (InstanceNorm(), (2, 6, 4, 5), (6,), -1),
    "group norm": (GroupNorm(2), (2, 6, 4, 5), (6,), 1),
}


def graph_of(case: str, integer: bool) -> Graph:
    """One normalization with seeded parameters; on integers if asked."""
    op, shape, parameters, axis = CASES[case]
    rng = np.random.default_rng(5)
    given_tensors = {
        name: Tensor(name, parameters, FP32, None, rng.normal(1, 0.3, parameters).astype("float32"))
        for name in ("scale", "shift")
    }
    formats = (INT8, UINT8) if integer else (FP32, FP32)
    tensors = {
        name: Tensor(name, shape, fmt, Quantization.per_tensor(0.03, 3) if integer else None, None,
                     axis)
        for name, fmt in zip("xy", formats, strict=True)
    }  # fmt: skip
    node = Node("norm", op, ("x", "scale", "shift"), ("y",))
    return Graph("g", (node,), {**tensors, **given_tensors}, ("x",), ("y",), "onnx")


@pytest.mark.parametrize("case", CASES)
@given(
    integer=st.booleans(), profile=st.sampled_from(list(PROFILES)), seed=st.integers(0, 99),
    sizes=st.fixed_dictionaries({dim: st.integers(1, 7) for dim in DIMS[:6]}),
)  # fmt: skip
def test_tile_by_tile_equals_the_whole(
    case: str, integer: bool, profile: str, seed: int, sizes: dict[str, int]
) -> None:
    graph = graph_of(case, integer)
    x = graph.tensors["x"]
    rng = np.random.default_rng(seed)
    drawn = rng.integers(-128, 128, x.shape) if integer else rng.normal(0, 2, x.shape)
    values = evaluate(graph, {"x": drawn.astype(x.format.dtype)}, profile)
    np.testing.assert_array_equal(by_tiles(graph, values, profile, sizes), values["y"])


@pytest.mark.parametrize(
    ("case", "splits"),
    [("layer norm", "B OY OX"), ("layer norm of rows", "B OY OX"), ("layer norm of images", "B K"),
     ("batch norm", "B OY OX K"), ("instance norm", "B K"), ("group norm", "B")],
)  # fmt: skip
def test_what_is_averaged_over_is_not_cut(case: str, splits: str) -> None:
    graph = graph_of(case, True)
    (node,) = graph.nodes
    assert node.op.loop_nest(*graph.operands(node)).splits == set(splits.split())


@pytest.mark.parametrize("op", [BatchNorm(), InstanceNorm(), GroupNorm()])
def test_a_vector_has_no_channels(op: Operator) -> None:
    x = replace(graph_of("batch norm", True).tensors["x"], shape=(6,))
    with pytest.raises(ValueError, match="rank 1 has no channels"):
        op.infer_shapes([x, None, None])

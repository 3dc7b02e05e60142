"""MatMul: shapes, loops, and that any cut into tiles gives the same bits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.ir.loopnest import Tile, Unit
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.tensor import Tensor
from npusim.kernels.table import kernels
from npusim.numerics.formats import INT8, UINT8
from npusim.numerics.profiles import PROFILES
from npusim.numerics.quantization import Quantization


def _tensor(name: str, shape: tuple[int, ...], fmt=UINT8, zero: int = 0, scale=0.02) -> Tensor:
    return Tensor(name, shape, fmt, Quantization.per_tensor(scale, zero))


def _cuts(extent: int, draw) -> list[tuple[int, int]]:
    ends = sorted({0, extent, *draw(st.lists(st.integers(0, extent), max_size=2))})
    return list(pairwise(ends))


def _run(kernel, arrays, acc_shape, out: np.ndarray, cuts) -> None:
    rows, groups, columns, depths = cuts
    for b0, b1 in rows:
        for g0, g1 in groups:
            for k0, k1 in columns:
                acc = np.zeros((b1 - b0, 1, 1, g1 - g0, k1 - k0), np.int32)
                tile = Tile(b0, b1, g0, g1, k0, k1, 0, acc_shape, 0, 1, 0, 1)
                for c0, c1 in depths:
                    kernel.accumulate(arrays, acc, tile._replace(c0=c0, c1=c1))
                kernel.drain(acc, out, tile)


@given(st.data())
def test_tile_by_tile_equals_all_at_once(data) -> None:
    draw = data.draw
    m, k, c = (draw(st.integers(1, 7)) for _ in range(3))
    batch = draw(st.sampled_from([((), ()), ((2,), (2,)), ((3, 1), (2,)), ((1,), (4,))]))
    profile = PROFILES[draw(st.sampled_from(sorted(PROFILES)))]
    random = np.random.default_rng(draw(st.integers(0, 999)))
    op = MatMul(draw(st.booleans()), draw(st.booleans()))
    a = _tensor("a", (*batch[0], *((c, m) if op.transpose_a else (m, c))), UINT8, 117)
    b = _tensor("b", (*batch[1], *((k, c) if op.transpose_b else (c, k))), INT8, -5, 0.03)
    (shape,) = op.infer_shapes([a, b])
    y = _tensor("y", shape, INT8, 9, 0.05)
    arrays = [random.integers(0, 256, a.shape).astype(np.uint8),
              random.integers(-128, 128, b.shape).astype(np.int8)]  # fmt: skip
    nest = op.loop_nest([a, b], [y])
    assert nest.extents[:4] == (m, int(np.prod(shape[:-2])), k, c)
    groups = nest.extents[1]
    kernel = op.bind([a, b], [y], profile, kernels("reference"))
    whole, tiled = np.empty(shape, np.int8), np.empty(shape, np.int8)
    _run(kernel, arrays, c, whole, [[(0, m)], [(0, groups)], [(0, k)], [(0, c)]])
    _run(kernel, arrays, c, tiled, [_cuts(extent, draw) for extent in (m, groups, k, c)])
    assert np.array_equal(whole, tiled)
    left, right = arrays[0].astype(np.int64) - 117, arrays[1].astype(np.int64) + 5
    left = np.swapaxes(left, -1, -2) if op.transpose_a else left
    exact = left @ (np.swapaxes(right, -1, -2) if op.transpose_b else right)
    real = np.clip(np.rint(exact * (0.02 * 0.03 / 0.05)) + 9, -128, 127)
    assert np.abs(whole - real).max() <= 1


def test_loops_of_a_batched_product() -> None:
    a, b = _tensor("a", (2, 3, 5, 7)), _tensor("b", (3, 7, 4))
    nest = MatMul().loop_nest([a, b], [_tensor("y", (2, 3, 5, 4))])
    assert nest.unit is Unit.ARRAY and nest.extents == (5, 6, 4, 7, 1, 1, 1, 1)
    assert nest.macs == 2 * 3 * 5 * 7 * 4
    assert [operand.role for operand in nest.operands] == ["input", "input", "output"]


@pytest.mark.parametrize(("a", "b"), [((3, 4), (3, 4)), ((4,), (4, 2)), ((2, 3, 4), (3, 4, 5))])
def test_shapes_that_do_not_fit(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"multiplied|broadcast"):
        MatMul().infer_shapes([_tensor("a", a), _tensor("b", b)])

"""Movements: tiles of any layout, what is a view, what a tile reads, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.errors import UnsupportedModelError, UsageError
from npusim.ir.loopnest import Tile, Unit
from npusim.ir.ops.movements.broadcast_to import BroadcastTo
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.depth_to_space import DepthToSpace
from npusim.ir.ops.movements.gather import Gather
from npusim.ir.ops.movements.gather_elements import GatherElements
from npusim.ir.ops.movements.gather_nd import GatherND
from npusim.ir.ops.movements.mirror_pad import MirrorPad
from npusim.ir.ops.movements.movement import Movement
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.movements.space_to_depth import SpaceToDepth
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.tile import Repeat
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.windows.resize_bilinear import ResizeBilinear
from npusim.ir.tensor import Tensor
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import kernels
from npusim.numerics.formats import FP32, INT8, INT64, format_of
from npusim.numerics.profiles import profile_named
from npusim.numerics.quantization import Quantization

SHAPE = (2, 4, 6, 8)
OPERATORS = (
    Transpose((2, 0, 3, 1)),
    StridedSlice((None, -1, 1, None), (None, None, 5, 7), (1, -2, 2, 3)),
    Repeat((1, 2, 1, 3)),
    BroadcastTo((3, 1, 4, 1, 1)),
    SpaceToDepth(2),
    SpaceToDepth(2, channel_axis=1),
    DepthToSpace(2),
    DepthToSpace(2, True, channel_axis=1),
    MirrorPad(((0, 0), (1, 2), (3, 0), (2, 2)), "reflect"),
    MirrorPad(((0, 1), (1, 2), (3, 0), (2, 2)), "symmetric"),
    MirrorPad(((0, 0), (5, 6), (0, 0), (9, 1)), "edge"),
    MirrorPad(((0, 0), (1, 2), (0, 6), (0, 0)), "wrap"),
    Pad(((0, 1), (1, 0), (0, 0), (2, 3)), 5),
    Reshape((4, -1, 3)),
    ResizeNearest.repeated(SHAPE, (1, 2, 3, 1)),
)


def tensor(name: str, shape: tuple[int, ...], channel_axis: int = -1) -> Tensor:
    """An int8 tensor of one scale."""
    return Tensor(name, shape, INT8, Quantization.per_tensor(0.5), None, channel_axis)


def constant(values: object) -> Tensor:
    """A constant of int64."""
    data = np.array(values, np.int64)
    return Tensor("indices", data.shape, INT64, None, data)


def in_tiles(op: Movement, x: Tensor, out: Tensor, values: np.ndarray, sizes: tuple[int, ...]):
    """The output, a tile of `sizes` in (B, OY, OX, K) at a time; nothing else is written."""
    kernel = op.bind([x], [out], profile_named("onnx"), kernels("reference"))
    b, _, k, _, y, x_extent, _, _ = op.loop_nest([x], [out]).extents
    found = empty_like_memory(out.shape, np.int8, out.channel_axis)
    found[...] = -99
    written = 0
    tb, ty, tx, tk = sizes
    for b0 in range(0, b, tb):
        for y0 in range(0, y, ty):
            for x0 in range(0, x_extent, tx):
                for k0 in range(0, k, tk):
                    before = found.copy()
                    tile = Tile(b0, min(b0 + tb, b), 0, 1, k0, min(k0 + tk, k), 0, 1,
                                y0, min(y0 + ty, y), x0, min(x0 + tx, x_extent))  # fmt: skip
                    kernel.compute([values], [found], tile)
                    written += int((before != found).sum())
    assert written <= out.size
    return found


@given(
    st.sampled_from(OPERATORS), st.sampled_from([1, -1]), st.sampled_from([1, -1]),
    st.tuples(*[st.integers(2, 9)] * 4), st.integers(0, 99),
)  # fmt: skip
def test_any_tiles_of_any_layout_make_up_what_numpy_moves(op, before, after, sizes, seed):
    x = tensor("x", SHAPE, before)
    (shape,) = op.infer_shapes([x])
    out = tensor("y", shape, after if len(shape) == 4 else -1)
    values = np.random.default_rng(seed).integers(-98, 99, SHAPE).astype(np.int8)
    expected = op.moved([values])
    assert expected.shape == shape
    np.testing.assert_array_equal(in_tiles(op, x, out, values, sizes), expected)


def test_a_transpose_between_image_layouts_is_a_view():
    x = tensor("x", (2, 3, 4, 5), 1)
    to_last = Transpose((0, 2, 3, 1))
    assert to_last.loop_nest([x], [tensor("y", (2, 4, 5, 3))]).unit is Unit.ALIAS
    turned = Transpose((0, 3, 2, 1))
    assert turned.loop_nest([x], [tensor("y", (2, 5, 4, 3))]).unit is Unit.VECTOR
    plain = tensor("x", (2, 3, 4, 5))
    assert to_last.loop_nest([plain], [tensor("y", (2, 4, 5, 3))]).unit is Unit.VECTOR
    back = Transpose((0, 3, 1, 2))
    assert back.loop_nest([plain], [tensor("y", (2, 5, 3, 4), 1)]).unit is Unit.ALIAS


@given(st.permutations(range(4)), st.lists(st.sampled_from([1, 1, 2, 3]), min_size=4, max_size=4),
       st.sampled_from([1, -1]), st.sampled_from([1, -1]))  # fmt: skip
def test_a_view_has_its_elements_in_one_order(perm, shape, before, after):
    x = tensor("x", tuple(shape), before)
    op = Transpose(tuple(perm))
    (found,) = op.infer_shapes([x])
    out = tensor("y", found, after)
    values = np.arange(x.size).reshape(shape)
    in_memory = np.moveaxis(values, before, -1).ravel()
    moved = np.moveaxis(op.moved([values]), after, -1).ravel()
    assert op.is_view(x, out) == np.array_equal(in_memory, moved)


@pytest.mark.parametrize(
    ("op", "unit"),
    [
        (StridedSlice((None,) * 4, (None,) * 4, (1,) * 4), Unit.ALIAS),
        (StridedSlice((None,) * 4, (None,) * 4, (1, 1, -1, 1)), Unit.VECTOR),
        (Repeat((1, 1, 1, 1)), Unit.ALIAS),
        (BroadcastTo((1, 1)), Unit.ALIAS),
        (Pad(((0, 0),) * 4), Unit.ALIAS),
        (MirrorPad(((0, 0),) * 4, "edge"), Unit.ALIAS),
        (ResizeNearest((None, (0, 1, 2, 3), None, None)), Unit.ALIAS),
        (ResizeNearest((None, (0, 1, 1, 3), None, None)), Unit.VECTOR),
        (Gather(1), Unit.VECTOR),
    ],
)
def test_what_changes_nothing_costs_nothing(op, unit):
    inputs = [tensor("x", SHAPE, 1)]
    if isinstance(op, Gather):
        inputs.append(constant([0, 1, 2, 3]))
    (shape,) = op.infer_shapes(inputs)
    assert shape == SHAPE
    assert op.loop_nest(inputs, [tensor("y", shape, 1)]).unit is unit
    assert op.loop_nest(inputs, [tensor("y", shape)]).unit is Unit.VECTOR


@pytest.mark.parametrize(
    ("op", "share"),
    [(ResizeNearest.repeated(SHAPE, (1, 2, 3, 1)), (1, 6)), (Repeat((1, 1, 1, 5)), (1, 5)),
     (Transpose((0, 2, 1, 3)), (1, 1)), (StridedSlice.along(1, 4, 0, 2), (1, 1)),
     (ResizeBilinear((8, 12)), (1, 4)), (ResizeBilinear((2, 3)), (1, 1))],
)  # fmt: skip
def test_a_tile_reads_its_share_of_an_input_that_is_repeated(op, share):
    x = tensor("x", SHAPE)
    (shape,) = op.infer_shapes([x])
    assert op.loop_nest([x], [tensor("y", shape)]).operands[0].share == share


def test_inputs_of_a_concatenation_share_the_tile():
    parts = [tensor(f"x{n}", (1, 2, 2, n)) for n in (1, 2, 5)]
    nest = Concat(3).loop_nest(parts, [tensor("y", (1, 2, 2, 8))])
    assert [operand.share for operand in nest.operands] == [(1, 8), (1, 4), (5, 8), (1, 1)]


@pytest.mark.parametrize("op", [Gather(1), GatherElements(1), GatherND()])
def test_an_index_that_inputs_lead_to_is_checked_when_it_is_known(op):
    x = np.zeros((2, 3), np.int8)
    with pytest.raises(UsageError, match="outside an axis"):
        op.moved([x, np.array([[0, 3]])])


@pytest.mark.parametrize(
    ("op", "given", "reason"),
    [
        (Transpose((0, 1)), [], "no order of the axes"),
        (StridedSlice.along(0, 3, 0, 1), [], "a slice of 3 axes"),
        (StridedSlice.along(1, 4, 2, 2), [], "nothing is left"),
        (Repeat((1, 0, 1, 1)), [], "repeats"),
        (BroadcastTo((3, 8)), [], "do not broadcast"),
        (SpaceToDepth(4), [], "blocks of 4 do not fit"),
        (DepthToSpace(0), [], "blocks of 0"),
        (MirrorPad(((0, 0), (4, 0), (0, 0), (0, 0)), "reflect"), [], "reflect padding"),
        (Gather(4), [constant([0])], "axis 4 is outside rank 4"),
        (Gather(0), [], "needs integer indices"),
        (Gather(1, 2), [constant([[0]])], "2 shared axes"),
        (GatherND(), [constant([[0, 0, 0, 0, 0]])], "do not fit shape"),
        (GatherND(), [constant([[0, 9]])], "outside axis 1"),
        (GatherElements(0), [constant([0])], "do not fit shape"),
        (ResizeNearest((None, (4,), None, None)), [], "reads outside an axis"),
        (ResizeBilinear((0, 2)), [], "resizes to"),
        (ResizeBilinear((2, 2**21)), [], "more than 1048576"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(op, given, reason):
    with pytest.raises(ValueError, match=reason):
        op.infer_shapes([tensor("x", SHAPE), *given])


def test_a_movement_does_not_rescale():
    x = tensor("x", SHAPE)
    other = Tensor("y", SHAPE, INT8, Quantization.per_tensor(0.25))
    with pytest.raises(UnsupportedModelError, match="quantized differently"):
        StridedSlice.along(1, 4, 0, 4).bind([x], [other], profile_named("onnx"), kernels())


def test_a_resize_that_tflite_has_not_is_refused_under_its_profile():
    x = tensor("x", SHAPE)
    op = ResizeBilinear((8, 12), "half_pixel_symmetric")
    with pytest.raises(UnsupportedModelError, match="has no fixed11 form"):
        op.bind([x], [tensor("y", (2, 8, 12, 8))], profile_named("xnnpack"), kernels())
    ragged = ResizeBilinear((8, 12), "half_pixel", (2.1, 2.0))
    with pytest.raises(UnsupportedModelError, match="has no integer form"):
        ragged.bind([x], [tensor("y", (2, 8, 12, 8))], profile_named("tflite-reference"), kernels())


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "float32", "bool"])
def test_every_format_moves(dtype):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    x = Tensor("x", (2, 3, 4), format_of(dtype))
    out = Tensor("y", (4, 2, 3), format_of(dtype))
    op = Transpose((2, 0, 1))
    nest = op.loop_nest([x], [out])
    found = np.empty(out.shape, dtype)
    op.bind([x], [out], profile_named("onnx"), kernels()).compute([values], [found], nest.whole)
    np.testing.assert_array_equal(found, values.transpose(2, 0, 1))
    assert (nest.unit, nest.operands[0].bits) == (Unit.VECTOR, format_of(dtype).bits)


def test_a_linear_resize_takes_8_bits_or_float32():
    wide = Tensor("x", SHAPE, INT64)
    with pytest.raises(UnsupportedModelError, match="from int64 to int64"):
        ResizeBilinear((2, 2)).bind([wide], [wide], profile_named("onnx"), kernels())
    real = Tensor("x", SHAPE, FP32)
    op = ResizeBilinear((8, 12))
    out = Tensor("y", (2, 8, 12, 8), FP32)
    assert op.bind([real], [out], profile_named("xnnpack"), kernels()) is not None

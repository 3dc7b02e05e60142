"""Loop nests and shapes of the operators: what timing sees, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.ir.loopnest import Unit
from npusim.ir.ops.axes.arg_max import ArgMax
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8
from npusim.numerics.quantization import Quantization


def tensor(name: str, *shape: int, channel_axis: int = -1, data: bool = False) -> Tensor:
    """An int8 tensor."""
    values = np.zeros(shape, np.int8) if data else None
    return Tensor(name, shape, INT8, Quantization.per_tensor(0.5), values, channel_axis)


def test_a_fully_connected_layer_is_rows_by_units_by_depth():
    x, w = tensor("x", 2, 3, 4), tensor("w", 5, 4, data=True)
    op = FullyConnected(keep_num_dims=True)
    (shape,) = op.infer_shapes([x, w])
    nest = op.loop_nest([x, w], [tensor("y", *shape)])
    assert shape == (2, 3, 5)
    assert nest.extents == (6, 1, 5, 4, 1, 1, 1, 1)
    assert nest.macs == 120


def test_a_fully_connected_layer_flattens_an_image():
    assert FullyConnected().infer_shapes([tensor("x", 2, 3, 3, 4), tensor("w", 5, 36)]) == [(2, 5)]


def test_a_pooling_reads_every_tap_through_its_window():
    x = tensor("x", 1, 7, 6, 3)
    op = AveragePool(Window((3, 2), (2, 1), (1, 1), (1, 0, 1, 0)))
    (shape,) = op.infer_shapes([x])
    nest = op.loop_nest([x], [tensor("y", *shape)])
    assert shape == (1, 4, 5, 3)
    assert (nest.unit, nest.rate) == (Unit.VECTOR, "pool")
    assert nest.vector_ops == 4 * 5 * 3 * 6
    assert nest.operands[0].window
    assert (nest.stride, nest.padding, nest.input_size) == ((2, 1), (1, 0), (7, 6))


def test_a_broadcast_input_is_walked_by_its_own_loops_only():
    a, b = tensor("a", 1, 5, 7, 6), tensor("b", 1, 1, 1, 6, data=True)
    nest = Add().loop_nest([a, b], [tensor("y", 1, 5, 7, 6)])
    assert nest.operands[0].dims == {"B", "OY", "OX", "K"}
    assert nest.operands[1].dims == {"B", "K"}
    assert nest.operands[1].role == "weight"


@pytest.mark.parametrize(
    ("x", "y", "unit"),
    [
        (tensor("x", 1, 2, 3, 4), tensor("y", 1, 24), Unit.ALIAS),
        (tensor("x", 1, 4, 2, 3, channel_axis=1), tensor("y", 1, 24), Unit.VECTOR),
        (tensor("x", 1, 4, 1, 1, channel_axis=1), tensor("y", 1, 4), Unit.ALIAS),
        (tensor("x", 1, 1, 2, 3, channel_axis=1), tensor("y", 1, 6), Unit.ALIAS),
        (
            tensor("x", 1, 4, 2, 3, channel_axis=1),
            tensor("y", 1, 4, 6, channel_axis=1),
            Unit.ALIAS,
        ),
        (
            tensor("x", 1, 4, 2, 3, channel_axis=1),
            tensor("y", 1, 2, 4, 3, channel_axis=1),
            Unit.VECTOR,
        ),
    ],
)
def test_a_reshape_is_free_where_memory_order_stays(x, y, unit):
    nest = Reshape(y.shape).loop_nest([x], [y])
    assert nest.unit is unit
    assert (nest.vector_ops == 0) == (unit is Unit.ALIAS)


def test_a_mean_reads_every_element_and_each_part_of_its_output_may_be_computed_alone():
    x = tensor("x", 2, 7, 7, 8)
    nest = Mean((1, 2)).loop_nest([x], [tensor("y", 2, 8)])
    assert nest.splits == {"B", "K", "OY", "OX"}
    assert nest.vector_ops == 2 * 8 * 49
    assert Mean((3,)).loop_nest([x], [tensor("y", 2, 7, 7)]).vector_ops == 2 * 8 * 49
    assert Mean((3,), keep_dims=True).infer_shapes([x]) == [(2, 7, 7, 1)]


def test_a_normalized_row_is_never_cut():
    x = tensor("x", 2, 7, 7, 8)
    assert L2Normalization(-1).loop_nest([x], [x]).splits == {"B", "OY", "OX"}
    assert L2Normalization(1).loop_nest([x], [x]).splits == {"B", "OX", "K"}


def test_a_softmax_row_is_never_cut():
    x = tensor("x", 4, 10)
    assert "K" not in Softmax().loop_nest([x], [x]).splits


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        (Conv2D(), [tensor("x", 1, 8, 8, 3), tensor("w", 4, 3, 3, 2)]),
        (Conv2D(), [tensor("x", 1, 2, 2, 3), tensor("w", 4, 3, 3, 3)]),
        (Conv2D(), [tensor("x", 1, 8, 8, 3), tensor("w", 4, 3, 3, 3), tensor("b", 3)]),
        (FullyConnected(), [tensor("x", 1, 7), tensor("w", 4, 3)]),
        (Add(), [tensor("a", 1, 5), tensor("b", 1, 4)]),
        (AveragePool(Window((5, 5))), [tensor("x", 1, 4, 4, 1)]),
        (Mean((4,)), [tensor("x", 1, 4, 4, 1)]),
        (ArgMax((0, 1)), [tensor("x", 1, 4)]),
        (ArgMax((1,)), [tensor("x", 1, 0)]),
        (L2Normalization(2), [tensor("x", 1, 4)]),
        (Concat(1), [tensor("a", 1, 4), tensor("b", 2, 4)]),
        (Concat(2), [tensor("a", 1, 4)]),
        (Pad(((0, 0),)), [tensor("x", 1, 4)]),
        (Pad(((0, 0), (-1, 0))), [tensor("x", 1, 4)]),
        (Reshape((3, -1)), [tensor("x", 1, 4)]),
        (Reshape((-1, -1)), [tensor("x", 1, 4)]),
        (Softmax(axis=2), [tensor("x", 1, 4)]),
    ],
)
def test_inputs_that_do_not_fit_are_refused(op, inputs):
    with pytest.raises(ValueError, match=r"."):
        op.infer_shapes(inputs)

"""How tensors lie in memory: blocks of channels with their padding, weights padded to a granule.

    bytes of a feature map = other dimensions x ceil(channels / block) x block x bits / 8
    bytes of the weights of a layer = ceil(elements x bits / 8 / granule) x granule

Compressed weights have the bytes of their code instead (`compression.py`). A tile that cuts a block
moves the whole block. What weights take is spread over the tiles of their layer. What a product
takes as its second factor lies as weights do, without blocks.
"""

from __future__ import annotations

import math

import numpy as np

from npusim.hardware.memory import Layout
from npusim.ir.loopnest import DIMS, LoopNest, Operand
from npusim.ir.tensor import Tensor
from npusim.schedule.tables import HWC, LAYOUTS

PLAIN = (1, HWC)


def layout_columns(operand: Operand, layout: Layout, plain: bool) -> tuple[int, int]:
    """`block` and `layout` of an operand's row; `plain` operands lie channels last, unpadded."""
    if plain or operand.role == "weight":
        return PLAIN
    return layout.channel_block, LAYOUTS.index(layout.order)


def stored_columns(
    operand: Operand, nest: LoopNest, layout: Layout, coded_bytes: int | None
) -> tuple[int, int]:
    """`stored_bytes` and `stored_of` of constant weights; zeros where they lie as they are.

    `coded_bytes` is what compressed weights take, None where they are not compressed. An operand
    without taps and input channels holds parameters of the output channels.
    """
    granule, parameters = layout.weight_granule_bytes, layout.channel_parameters_bytes
    elements = math.prod(nest.extents[DIMS.index(dim)] for dim in operand.dims)
    bytes_ = -(-elements * operand.bits // 8) if coded_bytes is None else coded_bytes
    if parameters is not None and "K" in operand.dims and operand.dims <= {"G", "K"}:
        bytes_, granule = elements * parameters, 1
    elif granule == 1 and coded_bytes is None:
        return 0, 0
    return -(-bytes_ // granule) * granule, elements


def whole_blocks(row: np.void, block: int) -> dict[str, int]:
    """Multiples of the channel loops of a step that cut no block of its inputs or outputs."""
    k, c = int(row["k"]), int(row["c"])
    groups = math.lcm(block // math.gcd(block, k), block // math.gcd(block, c))
    return {"G": groups, "K": block, "C": block}


def padded_bytes(tensor: Tensor, layout: Layout, plain: bool) -> int:
    """Bytes of a feature map in memory, its padding included."""
    block = 1 if plain else layout.channel_block
    if block == 1 or not tensor.shape:
        return tensor.size_bytes
    channels = tensor.shape[tensor.channel_axis]
    padded = tensor.size // max(1, channels) * (-(-channels // block) * block)
    return (padded * tensor.format.bits + 7) // 8

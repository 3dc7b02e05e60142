"""What compressed weights take: a given ratio, or the length of their code, counted on the model.

The code is that of `npusim/numerics/weight_coding.py`, over the weights padded to what the array
takes at once. What it cannot code (floats, 16-bit weights, blocks with zero points, layer tables
without weights) lies as it is. Lengths are
kept while the graph lives: they depend on the graph and on the array's blocks alone.
"""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import numpy as np

from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import DIMS, LoopNest, Operand
from npusim.ir.tensor import Tensor
from npusim.numerics.weight_coding import Geometry, coded_bytes

_MOST_BITS = 8
_LENGTHS: WeakKeyDictionary[Graph, dict[tuple[str, Geometry], int | None]] = WeakKeyDictionary()


def coded_bytes_of(graph: Graph, node: Node, operand: Operand, hardware: Hardware) -> int | None:
    """Bytes that the constant weights `operand` of `node` take; None where they are not coded."""
    rule = hardware.memory.weight_compression
    if rule is None or "C" not in operand.dims:
        return None
    nest = node.op.loop_nest(*graph.operands(node))
    if rule.ratio is not None:
        elements = math.prod(nest.extents[DIMS.index(dim)] for dim in operand.dims)
        return max(1, math.ceil(elements * operand.bits / 8 * rule.ratio))
    lengths = _LENGTHS.setdefault(graph, {})
    key = operand.tensor, geometry_of(hardware)
    if key not in lengths:
        lengths[key] = _measured(graph.tensors[operand.tensor], nest, key[1])
    return lengths[key]


def geometry_of(hardware: Hardware) -> Geometry:
    """What the array takes at once, and so what its weights are padded to; nothing if systolic."""
    mac = hardware.mac_array
    if mac.style != "dot_product":
        return Geometry(1, 1, 1, 1, (1 << 30, 1 << 30))
    kernel = mac.max_kernel or (1 << 30, 1 << 30)
    return Geometry(mac.channel_block or mac.rows, mac.rows, mac.cols, mac.tap_block, kernel)


def _measured(tensor: Tensor, nest: LoopNest, geometry: Geometry) -> int | None:
    """Length of the code of `tensor`, None if it has none."""
    values = centred_weights(tensor, nest)
    if values is None:
        return None
    _, g, _, c, *_ = nest.extents
    return coded_bytes(values, geometry, depthwise=c == 1 and g > 1)


def centred_weights(tensor: Tensor, nest: LoopNest) -> np.ndarray | None:
    """Weights of `nest` less their zero points: int16 [outputs, fy, fx, inputs of a group].

    None of floats, weights of 16 bits, blocks with zero points, and what is no constant.
    """
    if tensor.data is None or tensor.format.is_float or tensor.format.bits > _MOST_BITS:
        return None
    values = tensor.data.astype(np.int16)
    quantization = tensor.quantization
    if quantization is not None and quantization.zero_point.any():
        zero = quantization.zero_point
        if quantization.block is not None:
            return None
        if zero.size > 1 and quantization.axis is not None:
            shape = [1] * values.ndim
            shape[quantization.axis] = zero.size
            zero = zero.reshape(shape)
        values = values - zero.astype(np.int16)
    _, g, k, c, _, _, fy, fx = nest.extents
    if values.size != g * k * c * fy * fx:
        return None
    return np.asarray(values).reshape(g * k, fy, fx, c)

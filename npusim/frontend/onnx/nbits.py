"""com.microsoft MatMulNBits: reals times a constant matrix of 4 or 8 bits with a scale a block.

    y = x * W^T + bias,  W[n, k] = (q[n, k] - zero[n, k // block]) * scale[n, k // block]

q [N, blocks, block * bits / 8] holds 4-bit values two to a byte, the first in the low half; scales
are [N, blocks], zero points likewise, packed as q is along the blocks of a row or as reals; without
them they are the middle of the range. Source: the operator's documentation in ONNX Runtime
(docs/ContribOperators.md). The product is one of reals, in x's format: `accuracy_level`, by which a
runtime may quantize x, is a permission that is not made use of.
"""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import reals_of
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import marked
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import UINT4, UINT8, Format
from npusim.numerics.packing import unpack_int4
from npusim.numerics.quantization import Quantization

FORMATS = {4: UINT4, 8: UINT8}
LEAST_BLOCK = 16


def matmul_nbits(ctx: Context, source: Source) -> None:
    """MatMulNBits as a fully connected layer with weights of its bits."""
    bits = source.integer("bits", 4)
    if bits not in FORMATS:
        raise UnsupportedNodeError(f"weights of {bits} bits are not supported, 4 and 8 are")
    if source.input(4):
        raise UnsupportedNodeError("an order of groups (g_idx) is not supported")
    if source.integer("weight_prepacked", 0):
        raise UnsupportedNodeError("weights packed for a certain device are not supported")
    x = ctx.activation(source, 0)
    if not x.format.is_float:
        raise DamagedNodeError(f"multiplies {x.format.name}, not reals")
    weights = _weights(ctx, source, FORMATS[bits])
    bias = ctx.bias(source, 5)
    op = FullyConnected(keep_num_dims=True)
    ctx.emit(source, op, [x, weights, bias])


def _weights(ctx: Context, source: Source, fmt: Format) -> Tensor:
    """The weights [N, K], one value an element, with their blocks of scales."""
    units, depth, block = (source.integer(name, 0) for name in ("N", "K", "block_size"))
    if units < 1 or depth < 1 or block < LEAST_BLOCK or block & (block - 1):
        raise DamagedNodeError(f"has {units} x {depth} weights in blocks of {block}")
    blocks = -(-depth // block)
    packed = ctx.required_constant(source, 1)
    stored = _unpacked(packed, (units, blocks * block), fmt)[:, :depth]
    scale = reals_of(ctx.required_constant(source, 2))
    if scale.size != units * blocks:
        raise DamagedNodeError(f"has {scale.size} scales for {units} x {blocks} blocks")
    zero = _zero_points(ctx.constant(source, 3), (units, blocks), fmt)
    quantization = Quantization(scale.reshape(units, blocks), zero, 1, block)
    if blocks == 1:
        quantization = Quantization(scale.reshape(-1), zero.reshape(-1), 0 if units > 1 else None)
    data = marked(np.ascontiguousarray(stored), fmt)
    return ctx.add_constant(ctx.name_of(source, 1), data, quantization)


def _zero_points(given: np.ndarray | None, shape: tuple[int, int], fmt: Format) -> np.ndarray:
    """int32 zero points [N, blocks]."""
    if given is None:
        return np.full(shape, (fmt.high + 1) // 2, np.int32)
    if given.dtype == np.uint8:
        padded = (shape[0], -(-shape[1] * fmt.bits // 8) * 8 // fmt.bits)
        return _unpacked(given, padded, fmt)[:, : shape[1]].astype(np.int32)
    real = reals_of(given)
    if real.size != shape[0] * shape[1]:
        raise DamagedNodeError(f"has {real.size} zero points for {shape[0]} x {shape[1]} blocks")
    whole: np.ndarray = np.rint(real).reshape(shape)
    if not np.array_equal(whole.reshape(-1), real.reshape(-1)):
        raise UnsupportedNodeError("zero points that are no integers are not supported")
    return whole.astype(np.int32)


def _unpacked(packed: np.ndarray, shape: tuple[int, int], fmt: Format) -> np.ndarray:
    """Values of `shape` from bytes of any shape."""
    if packed.dtype != np.uint8 or packed.size != shape[0] * shape[1] * fmt.bits // 8:
        raise DamagedNodeError(f"has {packed.size} bytes for {shape[0]} x {shape[1]} {fmt.name}")
    if fmt == UINT8:
        return packed.reshape(shape)
    return unpack_int4(packed.reshape(-1), shape, signed=False)

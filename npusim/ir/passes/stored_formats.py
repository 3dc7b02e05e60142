"""Which operators compute on stored numbers of which formats, so that a fusion leaves them nothing.

8-bit integers: all that are quantizable. 8-bit floats: all, since they are decoded and rounded.
16-bit integers: those that the graph's profile has arithmetic for. Anything else, and integers of
two widths or beside floats, is left between its dequantizations and quantizations.
"""

from __future__ import annotations

from collections.abc import Sequence

from npusim.ir.operator import Operator
from npusim.ir.ops.elements.scaled import FLOATS
from npusim.ir.ops.movements.movement import Movement
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT4, INT8, INT16, INT32, UINT4, UINT8, UINT16, Format
from npusim.numerics.profiles import PROFILES

WEIGHTED = ("conv2d", "fully_connected", "transposed_conv2d")
"""Operators with constant weights and a bias, which an array computes."""
ACTIVATIONS = (INT8, UINT8, INT16, UINT16)
WEIGHTS = (INT4, UINT4, INT8, UINT8)


def computes_stored(op: Operator, formats: Sequence[Format], profile: str) -> bool:
    """True if `op` computes on data and outputs of `formats` in the arithmetic of `profile`."""
    if isinstance(op, Movement) and len(set(formats)) == 1:
        return True
    if any(fmt in FLOATS for fmt in formats):
        return all(fmt in FLOATS for fmt in formats)
    if {fmt.bits for fmt in formats} == {16}:
        rows = PROFILES[profile].arithmetics
        return all(f"{op.kind}/{fmt.name}" in rows for fmt in formats)
    return all(fmt in (INT8, UINT8) for fmt in formats)


def multiplies_stored(x: Tensor, weights: Tensor, bias: Tensor | None, y: Tensor) -> bool:
    """True if an array multiplies stored numbers of these formats."""
    if weights.quantization is None:
        return False
    if x.format in FLOATS:
        return weights.format in FLOATS and y.format in FLOATS and _is_bias(bias, FP32)
    computed = x.format in ACTIVATIONS and y.format in ACTIVATIONS
    one_width = x.format.bits == y.format.bits
    if not computed or not one_width or weights.format not in WEIGHTS:
        return False
    if weights.quantization.block is None:
        return _is_bias(bias, INT32)
    # Blocks along the input channels, which are the last axis, have sums of their own.
    along = weights.quantization.axis
    return along == len(weights.shape) - 1 and (_is_bias(bias, INT32) or _is_bias(bias, FP32))


def _is_bias(bias: Tensor | None, fmt: Format) -> bool:
    return bias is None or bias.format == fmt

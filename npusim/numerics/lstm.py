"""Parameters of the cell of TFLite's integer LSTM (8-bit weights and outputs, 16-bit cell).

Gates are Q3.12, their activations Q0.15, the cell is Q`m` with m = 15 + log2 of its scale, which
must be a power of two. The hidden value is f32(2^-30 / hidden scale) times a product of Q0.15.
Source: PopulateQuantizedLstmParams8x8_16 of TensorFlow Lite's unidirectional_sequence_lstm.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

GATE_SCALE = 2.0**-12
"""Gates are Q3.12 before their activation."""
MOST_CELL_BITS = 6
"""Integer bits of a cell for which TFLite has a tanh."""

Factor = tuple[int, int]
"""A fixed-point multiplier (Q0.31) and its shift, positive to the left."""


@dataclass(frozen=True)
class LstmCellParameters:
    """`peephole` has a factor for the input, forget and output gate; `coupled`: input = 1 - forget.

    `clip` bounds the stored cell, 0 if nothing does.
    """

    cell_bits: int
    coupled: bool
    clip: int
    peephole: tuple[Factor, ...]
    hidden: Factor
    hidden_zero: int


def cell_bits(cell: Quantization) -> int:
    """Integer bits of the cell; ValueError if its scale is not a power of two that TFLite takes."""
    fraction, exponent = np.frexp(np.float64(cell.scalar_scale))
    bits = 15 + int(exponent) - 1
    if fraction != 0.5 or not 0 <= bits <= MOST_CELL_BITS or cell.scalar_zero_point != 0:
        raise ValueError(
            f"a cell of scale {cell.scalar_scale} and zero point {cell.scalar_zero_point}: "
            f"only powers of two from 2^-15 to 2^{MOST_CELL_BITS - 15} around 0 are supported"
        )
    return bits


def fixed_point_cell(
    cell: Quantization, hidden_scale: float, hidden_zero: int, coupled: bool, cell_clip: float,
    peephole: Sequence[Quantization | None],
) -> LstmCellParameters:  # fmt: skip
    """Parameters of a cell; `peephole` holds the scales of its diagonal weights, if it has any."""
    scale = np.float32(cell.scalar_scale)
    clip = int(min(np.float32(cell_clip) / scale, np.float32(2**15 - 1))) if cell_clip > 0 else 0
    factors = tuple(
        _factor(np.float32(np.float64(scale) * weights.scalar_scale / GATE_SCALE))
        if weights is not None
        else (0, 0)
        for weights in peephole
    )
    hidden = _factor(np.float32(2.0**-15 / np.float64(np.float32(hidden_scale)) * 2.0**-15))
    return LstmCellParameters(cell_bits(cell), coupled, clip, factors, hidden, hidden_zero)


def _factor(real: np.float32) -> Factor:
    multiplier, shift = quantize_multiplier(np.float64(real))
    return int(multiplier), int(shift)

"""One time step of TFLite's integer LSTM behind its matrix products.

With gates i, f, g, o (Q3.12: those of the input plus those of the last output, which come wider),
cell c and peephole weights p:
  f = logistic(f + p_f c), i = logistic(i + p_i c) or 1 - f, g = tanh(g)
  c' = clip(f c + i g), o = logistic(o + p_o c'), hidden = o tanh(c') on the hidden scale
Sums saturate at 16 bits. Source: LstmStepInteger8x8_16 of TensorFlow Lite's lstm_eval.cc.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from npusim.kernels.reference import fixed_point16
from npusim.kernels.reference.fixed_point import rescale
from npusim.numerics.lstm import Factor, LstmCellParameters
from npusim.numerics.requantize import rounding_divide_by_power_of_two

Array = np.ndarray

_LOW, _HIGH = -(2**15), 2**15 - 1
_GATE_BITS = 3


def lstm_cell_fixed_point(
    gates: Array, recurrent: Array, cell: Array, peephole: Sequence[Array | None],
    hidden: Array, new_cell: Array, p: LstmCellParameters,
) -> None:  # fmt: skip
    """gates int16 and recurrent int32 [b, 3 or 4, n] (i, f, g, o; no i if `p.coupled`).

    cell int16 [b, n]; `peephole` holds int16 [n] weights of i, f and o, or None. Hidden int8 and
    new_cell int16 [b, n] are written.
    """
    wide = _saturated(gates.astype(np.int64) + recurrent)
    before = cell.astype(np.int64)
    forget = _opened(wide[:, -3], before, peephole[1], p, 1)
    taken = _HIGH - forget if p.coupled else _opened(wide[:, 0], before, peephole[0], p, 0)
    kept = _product(forget, before, 15)
    added = _product(
        taken, _looked_up(fixed_point16.tanh, _GATE_BITS, wide[:, -2]), 15 + p.cell_bits
    )
    state = _saturated(kept + added)
    if p.clip:
        state = np.clip(state, -p.clip, p.clip)
    output = _opened(wide[:, -1], state, peephole[2], p, 2)
    shown = output * _looked_up(fixed_point16.tanh, p.cell_bits, state)
    scaled = rescale(shown, *p.hidden) + p.hidden_zero
    hidden[...] = np.clip(scaled, -128, 127)
    new_cell[...] = state


def _opened(
    gate: Array, cell: Array, weights: Array | None, p: LstmCellParameters, number: int
) -> Array:
    """logistic(gate + peephole), Q0.15."""
    if weights is not None:
        factor: Factor = p.peephole[number]
        gate = _saturated(gate + rescale(weights.astype(np.int64) * cell, *factor))
    return _looked_up(fixed_point16.logistic, _GATE_BITS, gate)


def _product(a: Array, b: Array, shift: int) -> Array:
    """a * b / 2^shift, ties away from zero, wrapped to 16 bits."""
    quotient = rounding_divide_by_power_of_two(a * b, np.array(shift, np.int64))
    wrapped: Array = ((quotient + 2**15) & 0xFFFF) - 2**15
    return wrapped


def _saturated(x: Array) -> Array:
    return np.asarray(np.clip(x, _LOW, _HIGH))


def _looked_up(function: Callable[[Array, int], Array], bits: int, x: Array) -> Array:
    return np.asarray(_table(function, bits)[x - _LOW])


@functools.cache
def _table(function: Callable[[Array, int], Array], bits: int) -> Array:
    """int64 [65536]: `function` of every int16 in Q`bits`, from the lowest on."""
    return function(np.arange(_LOW, _HIGH + 1), bits)

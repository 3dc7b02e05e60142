"""Run-length coding of feature maps on their way to and from the second memory.

A word holds pairs of a run of zeros (`run_bits`) and the value behind it; a run that is longer than
the field can say takes a pair of its own. Where zeros fall at random with the share z, a pair
covers a run of at most m = 2^run_bits - 1 zeros and one value, on average

    (1 - z^(m + 1)) / (1 - z)   elements,

so an element takes word bits / pairs in a word x (1 - z) / (1 - z^(m + 1)) bits. A tensor that this
would not make smaller moves as it is. Source: Chen et al., JSSC 52(1), 2017 (three pairs of 5 and
16 bits in a word of 64); the average is our derivation. Zeros of real feature maps come in
clusters, so their longest runs take more pairs than this.
"""

from __future__ import annotations

from npusim.hardware.memory import RunLength
from npusim.ir.tensor import Tensor


def coded_bits(tensor: Tensor, coding: RunLength | None) -> float:
    """Bits of an element of `tensor` on the bus; 0 where it moves as it is."""
    bits = tensor.format.bits
    if coding is None or tensor.zeros is None:
        return 0.0
    pairs = coding.word_bits // (coding.run_bits + bits)
    if pairs == 0:
        return 0.0
    coded = coding.word_bits / pairs * pairs_per_element(tensor.zeros, coding.run_bits)
    return coded if coded < bits else 0.0


def pairs_per_element(zeros: float, run_bits: int) -> float:
    """Pairs of run and value that an element takes where a share `zeros` of all is zero."""
    longest = (1 << run_bits) - 1
    if zeros >= 1.0:
        return 1.0 / (longest + 1)
    return float((1.0 - zeros) / (1.0 - zeros ** (longest + 1)))

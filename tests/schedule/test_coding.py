"""Run-length coding: pairs by hand and by counting, and when a tensor moves as it is."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.hardware.memory import RunLength
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8, INT16
from npusim.schedule.coding import coded_bits, pairs_per_element

CHIP = RunLength(run_bits=5, word_bits=64)


def tensor(zeros: float | None, bits: int = 16) -> Tensor:
    return Tensor("t", (4, 4), INT16 if bits == 16 else INT8, zeros=zeros)


def test_three_pairs_in_a_word_of_64_bits() -> None:
    """Half zeros: a pair covers two elements, so three words of 64 bits hold 18 elements."""
    assert coded_bits(tensor(0.5), CHIP) == pytest.approx(64 / 3 / 2, rel=1e-6)


def test_eight_bits_pack_four_pairs() -> None:
    assert coded_bits(tensor(0.5, bits=8), CHIP) == 0.0  # 16 bits a pair, 8 an element: no gain
    assert coded_bits(tensor(0.75, bits=8), CHIP) == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("zeros", [None, 0.0, 0.2])
def test_what_would_not_shrink_moves_as_it_is(zeros: float | None) -> None:
    assert coded_bits(tensor(zeros), CHIP) == 0.0
    assert coded_bits(tensor(0.9), None) == 0.0


def test_a_word_too_short_for_a_pair_codes_nothing() -> None:
    assert coded_bits(tensor(0.9), RunLength(run_bits=5, word_bits=16)) == 0.0


@pytest.mark.parametrize("zeros", [0.3, 0.8, 0.97])
def test_pairs_are_those_of_random_zeros(zeros: float) -> None:
    """Encode 200,000 random elements one by one."""
    rng = np.random.default_rng(7)
    pairs = run = 0
    values = rng.random(200_000) >= zeros
    for is_value in values:
        if is_value or run == 31:
            pairs += 1
            run = 0
        else:
            run += 1
    assert pairs / values.size == pytest.approx(pairs_per_element(zeros, 5), rel=0.02)


def test_nothing_but_zeros_takes_the_longest_runs() -> None:
    assert pairs_per_element(1.0, 5) == 1 / 32

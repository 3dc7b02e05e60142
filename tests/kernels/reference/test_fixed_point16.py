"""16-bit logistic and tanh: close to the real functions, odd, and ordered where they should be.

That they are LiteRT's to the bit is shown by the LSTMs of `tests/frontend/test_tflite_lstm.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from npusim.kernels.reference.fixed_point16 import logistic, tanh

EVERY = np.arange(-(2**15), 2**15)
LOGISTIC_STEPS, TANH_STEPS = 8, 13
"""The largest differences from the real functions in steps of Q0.15: 16 bits of working width."""


@pytest.mark.parametrize("integer_bits", range(7))
def test_functions_are_close_to_the_real_ones(integer_bits):
    real = EVERY / 2.0 ** (15 - integer_bits)
    given = logistic(EVERY, integer_bits) / 2**15
    assert np.abs(given - 1 / (1 + np.exp(-real))).max() <= LOGISTIC_STEPS / 2**15
    assert np.abs(tanh(EVERY, integer_bits) / 2**15 - np.tanh(real)).max() <= TANH_STEPS / 2**15


@pytest.mark.parametrize("integer_bits", [0, 3, 6])
def test_tanh_is_odd_and_logistic_adds_up_to_one(integer_bits):
    positive = EVERY[EVERY > 0]
    np.testing.assert_array_equal(tanh(-positive, integer_bits), -tanh(positive, integer_bits))
    total = logistic(positive, integer_bits) + logistic(-positive, integer_bits)
    np.testing.assert_array_equal(total, 2**15 - 1)


def test_results_fit_in_16_bits():
    for function in (logistic, tanh):
        values = function(EVERY, 3)
        assert values.min() >= -(2**15) and values.max() < 2**15
    assert logistic(np.array([0]), 3) == 2**14 and tanh(np.array([0]), 3) == 0

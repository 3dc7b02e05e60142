"""Parameters of pairs that no fixed-point multiplier can hold."""

from __future__ import annotations

import pytest

from npusim.errors import UnsupportedModelError
from npusim.numerics.pairs import fixed_point_quotient
from npusim.numerics.quantization import Quantization


def test_a_quotient_of_scales_beyond_float32_is_refused() -> None:
    large, tiny = Quantization.per_tensor(1e30), Quantization.per_tensor(1e-30)
    with pytest.raises(UnsupportedModelError, match="beyond float32"):
        fixed_point_quotient(large, tiny, tiny, (-128, 127))
    assert fixed_point_quotient(large, large, tiny, (-128, 127)).shift > 0

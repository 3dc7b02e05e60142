"""Transposed convolutions: what no network has is refused before anything is computed."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8
from npusim.numerics.quantization import Quantization


def test_strides_that_no_network_has_are_refused():
    """A damaged file can ask for any stride; the phases of a huge one would take minutes."""
    x = Tensor("x", (1, 2, 2, 4), INT8, Quantization.per_tensor(1.0))
    w = Tensor(
        "w", (3, 3, 3, 4), INT8, Quantization.per_tensor(1.0), np.ones((3, 3, 3, 4), np.int8)
    )
    assert TransposedConv2D((5, 5), (64, 64)).infer_shapes([x, w]) == [(1, 5, 5, 3)]
    with pytest.raises(ValueError, match="phases"):
        TransposedConv2D((5, 5), (65, 64)).infer_shapes([x, w])

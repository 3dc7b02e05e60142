"""Which operators are fused on which stored formats."""

from __future__ import annotations

import pytest

from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.elements.tanh import Tanh
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.pairs.add import Add
from npusim.ir.passes.stored_formats import computes_stored, multiplies_stored
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import (
    FP8_E4M3,
    FP8_E5M2,
    FP32,
    INT4,
    INT8,
    INT16,
    INT32,
    UINT8,
    UINT16,
    Format,
)
from npusim.numerics.quantization import Quantization

SCALED = Quantization.per_tensor(0.5)


def tensor(fmt: Format, quantization: Quantization | None = SCALED) -> Tensor:
    return Tensor(fmt.name, (4, 4), fmt, quantization)


@pytest.mark.parametrize(
    ("op", "formats", "fused"),
    [
        (Add(), (INT8, UINT8, INT8), True),
        (Add(), (INT16, INT16, INT16), True),
        (Add(), (INT16, INT16, INT8), False),
        (Add(), (FP8_E4M3, FP8_E5M2, FP8_E4M3), True),
        (Add(), (FP8_E4M3, FP8_E4M3, INT8), False),
        (Add(), (INT4, INT4, INT4), False),
        (Tanh(), (UINT16, UINT16), True),
        (Softmax(), (INT8, INT8), True),
        (Softmax(), (INT16, INT16), False),
        (Softmax(), (FP8_E5M2, FP8_E5M2), True),
        (Transpose((1, 0)), (INT4,), True),
        (Transpose((1, 0)), (INT32,), True),
    ],
)
def test_data_and_results(op, formats: tuple[Format, ...], fused: bool) -> None:
    assert computes_stored(op, formats, "onnx") == fused


@pytest.mark.parametrize(
    ("x", "w", "bias", "y", "fused"),
    [
        (INT8, INT4, INT32, UINT8, True),
        (INT16, INT4, None, INT16, True),
        (INT16, INT8, INT32, INT8, False),
        (INT8, INT8, FP32, INT8, False),
        (INT8, INT16, None, INT8, False),
        (FP8_E4M3, FP8_E5M2, FP32, FP8_E4M3, True),
        (FP8_E4M3, FP8_E4M3, INT32, FP8_E4M3, False),
        (FP8_E4M3, INT8, None, FP8_E4M3, False),
        (INT4, INT4, None, INT4, False),
    ],
)
def test_weights_and_biases(
    x: Format, w: Format, bias: Format | None, y: Format, fused: bool
) -> None:
    given = None if bias is None else tensor(bias)
    assert multiplies_stored(tensor(x), tensor(w), given, tensor(y)) == fused


def test_weights_without_a_scale_are_not_stored_numbers() -> None:
    assert not multiplies_stored(tensor(INT8), tensor(INT8, None), None, tensor(INT8))

"""How an operator's result is written: its clamp, its QuantizeLinear, and what clamps behind that.

A clamp stands before the QuantizeLinear where ONNX Runtime drops it, because the range of the
integers implies it, or where the runtime computes in float32 anyway. Any other would keep the
runtime from computing a convolution or a product in integers: it stands behind the QuantizeLinear,
in a pair of its own, where it is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npusim.frontend.onnx_writer.values import Values
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32
from npusim.numerics.quantization import Activation, Quantization, clamp_range

ROUNDING = "half_even"
"""How QuantizeLinear rounds the bounds of a clamp."""
_EPSILON = np.finfo(np.float32).eps
"""How far a clamp may reach into the range of the integers for ONNX Runtime to drop it."""


def finish(
    values: Values, name: str, operator: str, inputs: Sequence[str], *, first: bool = False,
    activation: Activation = Activation.NONE, clamps_reals: bool = False, domain: str = "",
    **attributes: Any,
) -> None:  # fmt: skip
    """Write tensor `name` as the result of `operator` on real `inputs`.

    `first` says that it is an image with its channels in front. With `clamps_reals` a clamp is part
    of the operator, however it is stored.
    """
    tensor = values.tensor(name)
    target = values.name_of(name, first)
    quantization = tensor.quantization
    if quantization is None:
        if activation is Activation.NONE:
            values.emit(operator, inputs, target, domain, **attributes)
        else:
            computed = values.emit(operator, inputs, _real(values, name), domain, **attributes)
            _clamped(values, name, computed, activation, target)
        values.stored[name, first] = target
        return
    value = values.emit(operator, inputs, _real(values, name), domain, **attributes)
    in_float32 = tensor.format.bits == 16  # the runtime has no such integer kernels
    inline = clamps_reals or in_float32 or _is_dropped(activation, tensor, quantization)
    if activation is not Activation.NONE and inline:
        value = _clamped(values, name, value, activation, _real(values, name))
    if activation is Activation.NONE or inline:
        values.quantized(value, name, target, first)
    else:
        stored = values.quantized(value, name, values.fresh(f"{name}_unclamped"), first)
        real = values.dequantized(stored, name, first)
        clamped = _clamped(values, name, real, activation, _real(values, name))
        values.quantized(clamped, name, target, first)
    values.stored[name, first] = target


def _clamped(values: Values, name: str, value: str, activation: Activation, output: str) -> str:
    """`value`, of tensor `name`, between the bounds of `activation`."""
    low, high = activation.value
    tensor = values.tensor(name)
    fmt = FP32 if tensor.quantization is not None else tensor.format
    if activation is Activation.RELU:
        return values.emit("Relu", [value], output)
    bounds = [
        "" if bound is None else values.real_constant(f"{output}_{end}", bound, fmt)
        for end, bound in (("low", low), ("high", high))
    ]
    return values.emit("Clip", [value, *bounds], output)


def _real(values: Values, name: str) -> str:
    return values.fresh(f"{name}_float")


def _is_dropped(activation: Activation, tensor: Tensor, quantization: Quantization) -> bool:
    """True if ONNX Runtime finds that the range of the integers implies the clamp."""
    whole = (tensor.format.low, tensor.format.high)
    if clamp_range(activation, tensor.format, quantization, ROUNDING) != whole:
        return False
    low, high = activation.value
    scale, zero = quantization.scalar_scale, quantization.scalar_zero_point
    lowest, highest = (np.float32(end - zero) * scale for end in whole)
    fits_low = low is None or low - lowest <= _EPSILON
    return bool(fits_low and (high is None or highest - high <= _EPSILON))

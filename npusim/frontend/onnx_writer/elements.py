"""Operators that work element by element, on one tensor or on several that broadcast.

Where an image has a form with its channels in front, they take that one: then no transposes come
to stand between convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npusim.frontend.onnx_writer.products import Handler
from npusim.frontend.onnx_writer.results import finish
from npusim.frontend.onnx_writer.values import TYPES, UnwritableError, Values, real_format
from npusim.ir.graph import Node
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.clip import Clip
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.formats import FP8_E4M3, FP8_E5M2, FP32
from npusim.numerics.quantization import Activation

COMPARISONS = {
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
}


def channels_first(values: Values, node: Node) -> bool:
    """True if all data of an element-wise operator can be had with channels in front."""
    names = [name for name in (*node.inputs, *node.outputs) if name]
    tensors = [values.tensor(name) for name in names]
    shape = tensors[-1].shape
    fit = all(len(t.shape) == 4 or (t.is_constant and len(t.shape) <= 4) for t in tensors)
    whole = [tensor.name for tensor in tensors[:-1] if tensor.shape == shape]
    return len(shape) == 4 and fit and any(values.has_first(name) for name in whole)


def _plain(operator: str, *attributes: str, domain: str = "") -> Handler:
    """An operator whose attributes in ONNX are called as the fields are."""

    def write(values: Values, node: Node) -> None:
        first = channels_first(values, node)
        given: dict[str, Any] = {name: getattr(node.op, name) for name in attributes}
        inputs = [values.real_value(name, first) for name in node.inputs]
        finish(values, node.outputs[0], operator, inputs, first=first, domain=domain, **given)

    return write


def _pair(operator: str) -> Handler:
    """An operator of two tensors, with its clamp."""

    def write(values: Values, node: Node) -> None:
        first = channels_first(values, node)
        assert isinstance(node.op, Pairwise)
        inputs = [values.real_value(name, first) for name in node.inputs]
        finish(
            values, node.outputs[0], operator, inputs, first=first,
            activation=node.op.activation, clamps_reals=True,
        )  # fmt: skip

    return write


def _relu(values: Values, node: Node) -> None:
    """Relu, or Clip with the bounds of the other activations."""
    activation: Activation = getattr(node.op, "activation")  # noqa: B009
    low, high = activation.value
    first = channels_first(values, node)
    value = values.real_value(node.inputs[0], first)
    if activation is Activation.RELU:
        finish(values, node.outputs[0], "Relu", [value], first=first)
        return
    _clip_between(values, node, value, first, (low, high))


def _clip(values: Values, node: Node) -> None:
    """Clip of reals."""
    assert isinstance(node.op, Clip)
    first = channels_first(values, node)
    bounds = tuple(b if np.isfinite(b) else None for b in (node.op.low, node.op.high))
    value = values.real_value(node.inputs[0], first)
    _clip_between(values, node, value, first, bounds)


def _clip_between(
    values: Values, node: Node, value: str, first: bool, bounds: tuple[float | None, ...]
) -> None:
    name = node.outputs[0]
    fmt = real_format(values.tensor(node.inputs[0]))
    inputs = [
        "" if bound is None else values.real_constant(f"{name}_{end}", bound, fmt)
        for end, bound in zip(("low", "high"), bounds, strict=True)
    ]
    finish(values, name, "Clip", [value, *inputs], first=first)


def _clip_stored(values: Values, node: Node) -> None:
    """Clip of stored integers, which ONNX clamps as they are."""
    name, x = node.outputs[0], values.tensor(node.inputs[0])
    low, high = (getattr(node.op, end) for end in ("low", "high"))
    inputs = [
        "" if bound is None else values.constant(f"{name}_{end}", np.array(bound, x.format.dtype))
        for end, bound in (("low", low), ("high", high))
    ]
    stored = values.stored_value(node.inputs[0])
    values.stored[name, False] = values.emit("Clip", [stored, *inputs], name)


def _quantize(values: Values, node: Node) -> None:
    """QuantizeLinear, of reals or of what has another scale."""
    name = node.outputs[0]
    op, real = node.op, real_format(values.tensor(node.inputs[0]))
    saturate = True
    if isinstance(op, Quantize):
        saturate = op.saturate
        if op.division != FP32.name:
            raise UnwritableError(f"a quantization that divides in {op.division} is not written")
    first = channels_first(values, node)
    value = values.real_value(node.inputs[0], first)
    target = values.name_of(name, first)
    values.stored[name, first] = values.quantized(value, name, target, first, real, saturate)


def _dequantize(values: Values, node: Node) -> None:
    """DequantizeLinear."""
    name, x = node.outputs[0], node.inputs[0]
    stored, real = values.stored_value(x), values.tensor(name).format
    values.stored[name, False] = values.dequantized(stored, x, False, real, name)


def _cast(values: Values, node: Node) -> None:
    """Cast of stored values, whatever their scale."""
    op, name = node.op, node.outputs[0]
    assert isinstance(op, Cast)
    fmt = values.tensor(name).format
    more = {"saturate": int(op.saturate)} if fmt in (FP8_E4M3, FP8_E5M2) else {}
    attributes: dict[str, Any] = {"to": TYPES[fmt.name], **more}
    stored = values.stored_value(node.inputs[0])
    values.stored[name, False] = values.emit("Cast", [stored], name, **attributes)


def _gelu(values: Values, node: Node) -> None:
    approximate = "tanh" if getattr(node.op, "approximate") else "none"  # noqa: B009
    value = values.real_value(node.inputs[0])
    finish(values, node.outputs[0], "Gelu", [value], approximate=approximate)


def _square(values: Values, node: Node) -> None:
    """A power of 2, as which ONNX writes it."""
    name = node.outputs[0]
    fmt = real_format(values.tensor(node.inputs[0]))
    exponent = values.real_constant(f"{name}_exponent", 2.0, fmt)
    inputs = [values.real_value(node.inputs[0]), exponent]
    finish(values, name, "Pow", inputs)


def _compare(values: Values, node: Node) -> None:
    relation = getattr(node.op, "relation")  # noqa: B009
    if relation not in COMPARISONS:
        raise UnwritableError(f"a comparison '{relation}' is not written")
    inputs = [values.real_value(name) for name in node.inputs]
    finish(values, node.outputs[0], COMPARISONS[relation], inputs)


def _select(values: Values, node: Node) -> None:
    a, b, condition = node.inputs
    inputs = [values.stored_value(condition), values.real_value(a), values.real_value(b)]
    finish(values, node.outputs[0], "Where", inputs)


OPERATORS: Mapping[str, Handler] = {
    "abs": _plain("Abs"),
    "add": _pair("Add"),
    "cast": _cast,
    "ceil": _plain("Ceil"),
    "celu": _plain("Celu", "alpha"),
    "clip": _clip,
    "clip_stored": _clip_stored,
    "compare": _compare,
    "dequantize": _dequantize,
    "div": _pair("Div"),
    "elu": _plain("Elu", "alpha"),
    "erf": _plain("Erf"),
    "exp": _plain("Exp"),
    "float_add": _pair("Sum"),
    "floor": _plain("Floor"),
    "gelu": _gelu,
    "hard_sigmoid": _plain("HardSigmoid", "alpha", "beta"),
    "hard_swish": _plain("HardSwish"),
    "leaky_relu": _plain("LeakyRelu", "alpha"),
    "log": _plain("Log"),
    "logistic": _plain("Sigmoid"),
    "maximum": _pair("Max"),
    "minimum": _pair("Min"),
    "mish": _plain("Mish"),
    "mul": _pair("Mul"),
    "neg": _plain("Neg"),
    "pow": _pair("Pow"),
    "prelu": _pair("PRelu"),
    "quantize": _quantize,
    "quick_gelu": _plain("QuickGelu", "alpha", domain="com.microsoft"),
    "reciprocal": _plain("Reciprocal"),
    "relu": _relu,
    "requantize": _quantize,
    "round": _plain("Round"),
    "select": _select,
    "selu": _plain("Selu", "alpha", "gamma"),
    "sign": _plain("Sign"),
    "softplus": _plain("Softplus"),
    "softsign": _plain("Softsign"),
    "sqrt": _plain("Sqrt"),
    "square": _square,
    "sub": _pair("Sub"),
    "tanh": _plain("Tanh"),
    "thresholded_relu": _plain("ThresholdedRelu", "alpha"),
}

"""Biases of quantized products: int32, in the scale of the input times that of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from npusim.frontend.aimet.encoding import Encoding
from npusim.frontend.aimet.roles import BIAS_INDEX, BIASED
from npusim.frontend.aimet.tensors import Tensors
from npusim.ir.passes.rewrite import free_name
from npusim.numerics.formats import INT32


@dataclass(frozen=True, eq=False)
class Biases:
    """Encodings and float32 values of biases, by names that are theirs alone."""

    encodings: dict[str, Encoding]
    values: dict[str, np.ndarray]


def stored_biases(model: ModelProto, tensors: Tensors, encodings: Mapping[str, Encoding]) -> Biases:
    """The biases in `model` beside quantized inputs and weights; each node gets one of its own.

    One whose scale float32 does not hold, or whose weights have scales of blocks, stays as it is.
    """
    found = Biases({}, {})
    taken = dict.fromkeys(tensors.names)
    for node in model.graph.node:
        if node.op_type not in BIASED or len(node.input) <= BIAS_INDEX:
            continue
        x, weights = (encodings.get(name) for name in node.input[:2])
        bias = node.input[BIAS_INDEX]
        if x is None or weights is None or bias not in tensors.constants or bias in encodings:
            continue
        value = tensors.value(bias)
        scale = _scale(x, weights)
        if scale is None or isinstance(value, str) or value.dtype != np.float32:
            continue
        if scale.size not in (1, value.size) or value.shape not in ((value.size,), (1, value.size)):
            continue
        name = free_name(f"{bias}_of_{node.name or node.output[0]}", taken)
        taken[name] = None
        node.input[BIAS_INDEX] = name
        found.values[name] = value.reshape(-1)
        found.encodings[name] = Encoding(
            name, weights.where, "parameter", INT32, scale, np.zeros(scale.size, np.int64),
            INT32.low, INT32.high, "channel" if scale.size > 1 else "tensor",
        )  # fmt: skip
    return found


def _scale(x: Encoding, weights: Encoding) -> np.ndarray | None:
    """The scale of a bias beside `x` and `weights`; None if there is none."""
    if "block" in (x.granularity, weights.granularity) or x.stays_float or weights.stays_float:
        return None
    scale: np.ndarray = (x.scale.reshape(-1)[0] * weights.scale.reshape(-1)).astype(np.float32)
    return scale if np.all(np.isfinite(scale) & (scale > 0)) else None

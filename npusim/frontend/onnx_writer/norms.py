"""Normalizations and running sums, whose scale and shift are constants in float32."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npusim.frontend.onnx_writer.products import Handler
from npusim.frontend.onnx_writer.results import finish
from npusim.frontend.onnx_writer.values import Values, require_reals
from npusim.ir.graph import Node
from npusim.ir.ops.axes.cum_sum import CumSum
from npusim.ir.ops.norms.local_response_norm import LocalResponseNorm

_ATTRIBUTES = {"groups": "num_groups"}
"""Fields that ONNX calls otherwise."""


def _norm(operator: str, *fields: str) -> Handler:
    """A normalization with scale and shift as inputs."""

    def write(values: Values, node: Node) -> None:
        given = {_ATTRIBUTES.get(name, name): getattr(node.op, name) for name in fields}
        inputs = [values.real_value(name) for name in node.inputs if name]
        finish(values, node.outputs[0], operator, inputs, **given)

    return write


def _batch_norm(values: Values, node: Node) -> None:
    """BatchNormalization of mean 0 and variance 1: a factor and a shift."""
    name = node.outputs[0]
    channels = values.tensor(node.inputs[1]).size
    inputs = [values.real_value(given) for given in node.inputs]
    inputs.append(values.constant(f"{name}_mean", np.zeros(channels, np.float32)))
    inputs.append(values.constant(f"{name}_variance", np.ones(channels, np.float32)))
    finish(values, name, "BatchNormalization", inputs, epsilon=0.0)


def _local_response(values: Values, node: Node) -> None:
    """LRN."""
    op = node.op
    assert isinstance(op, LocalResponseNorm)
    value = values.real_value(node.inputs[0])
    finish(
        values, node.outputs[0], "LRN", [value], size=op.size, alpha=op.alpha, beta=op.beta,
        bias=op.bias,
    )  # fmt: skip


def _cum_sum(values: Values, node: Node) -> None:
    op, name = node.op, node.outputs[0]
    assert isinstance(op, CumSum)
    require_reals(values.tensor(node.inputs[0]), "running sums")
    inputs = [
        values.real_value(node.inputs[0]),
        values.constant(f"{name}_axis", np.array(op.axis, np.int64)),
    ]
    finish(values, name, "CumSum", inputs, exclusive=int(op.exclusive), reverse=int(op.reverse))


OPERATORS: Mapping[str, Handler] = {
    "batch_norm": _batch_norm,
    "cum_sum": _cum_sum,
    "group_norm": _norm("GroupNormalization", "groups", "epsilon"),
    "instance_norm": _norm("InstanceNormalization", "epsilon"),
    "layer_norm": _norm("LayerNormalization", "axis", "epsilon"),
    "local_response_norm": _local_response,
}

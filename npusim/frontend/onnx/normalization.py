"""Normalizations over axes that inference computes anew; their scale and shift are constants."""

from __future__ import annotations

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.layer_norm import LayerNorm

MEAN_IN_FLOAT32 = 1
"""Value of `stash_type` that asks for float32 statistics."""


def layer_normalization(ctx: Context, source: Source) -> None:
    """LayerNormalization; the statistics are not given out."""
    if any(source.outputs[1:]):
        raise UnsupportedNodeError("mean and deviation as outputs are not supported")
    if source.integer("stash_type", MEAN_IN_FLOAT32) != MEAN_IN_FLOAT32:
        raise UnsupportedNodeError("statistics that are not float32 are not supported")
    op = LayerNorm(source.real("epsilon", 1e-5), source.integer("axis", -1))
    inputs = [ctx.activation(source, 0), ctx.real_constant(source, 1)]
    if source.input(2):
        inputs.append(ctx.real_constant(source, 2))
    ctx.emit(source, op, inputs)

"""Constants that a file computes from constants: they are computed while it is read.

That is shape arithmetic in plain integers, and weights that a converter left to be rearranged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.errors import UnsupportedModelError
from npusim.frontend.tflite.source import Known, Step
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.tensor import Tensor
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import kernels
from npusim.numerics.formats import INT32, INT64
from npusim.numerics.profiles import profile_named

PROFILE = "tflite-reference"
MAX_FOLDED = 2**26
"""Elements of a constant that npusim computes itself; larger ones stay nodes of the graph."""


def known_values(
    imported: list[Step] | Known, outputs: Sequence[Tensor]
) -> tuple[np.ndarray, ...] | None:
    """The `outputs` of a node that moves constants or counts with known integers, else None."""
    if isinstance(imported, Known):
        return imported.values
    values: dict[Tensor, np.ndarray] = {}
    for step in imported:
        arrays = [None if x is None else values.get(x, x.data) for x in step.inputs]
        out = step.outputs[0]
        foldable = step.op.moves or isinstance(step.op, Concat) or _counts(out)
        if not foldable or out.size > MAX_FOLDED or any(a is None for a in arrays):
            return None
        try:
            kernel = step.op.bind(
                step.inputs, step.outputs, profile_named(PROFILE), kernels("reference")
            )
        except UnsupportedModelError:
            return None
        value = empty_like_memory(out.shape, out.format.dtype, out.channel_axis)
        whole = step.op.loop_nest(step.inputs, step.outputs).whole
        kernel.compute(arrays, [value], whole)  # type: ignore[union-attr,arg-type]
        values[out] = value
    return tuple(values[tensor] for tensor in outputs)


def _counts(out: Tensor) -> bool:
    """True for integers that mean themselves, as extents and axes do."""
    return out.format in (INT32, INT64) and out.quantization is None

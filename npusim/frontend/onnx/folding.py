"""Constant folding: nodes whose inputs are all known are computed while the file is read.

That is the shape arithmetic of exporters and the rearrangement of weights, so the table is small. A
result is folded only if it has at most `MAX_FOLDED` elements, checked before it is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import (
    DTYPES,
    FORMAT_OF_TYPE,
    format_of_constant,
    marked,
    type_name,
    unmarked,
)
from npusim.numerics.conversion import Conversion, converted
from npusim.numerics.floats import decode
from npusim.numerics.formats import FP32, Format

Array = np.ndarray
Fold = Callable[[Source, Sequence[Array]], Array]

MAX_FOLDED = 2**27
"""Elements of a constant that npusim computes itself; VGG has a matrix of 25,088 x 4096."""


def fold(source: Source, inputs: Sequence[Array]) -> Array | None:
    """The value of `source` for known `inputs`, None if such a node is not folded."""
    function = FOLDS.get(source.operator)
    if function is None:
        return None
    if source.operator not in TAKING_ALL and any(x.dtype.names is not None for x in inputs):
        return None
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(source, inputs))
    except (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise DamagedNodeError(f"can't be computed: {error}") from None
    return result


def constant_value(source: Source) -> Array:
    """The value of a Constant node."""
    attributes = source.attributes
    if isinstance(attributes.get("value"), np.ndarray):
        value: Array = attributes["value"]
        return value
    for name, dtype in (("value_int", np.int64), ("value_ints", np.int64),
                        ("value_float", np.float32), ("value_floats", np.float32)):  # fmt: skip
        if name in attributes:
            return np.array(attributes[name], dtype)
    raise UnsupportedNodeError("its value is neither a tensor nor numbers")


def _check_size(shape: Sequence[int]) -> tuple[int, ...]:
    extents = tuple(int(extent) for extent in shape)
    if any(extent < 0 for extent in extents):
        raise DamagedNodeError(f"makes a negative extent: {list(extents)}")
    if prod(extents) > MAX_FOLDED:
        raise UnsupportedNodeError(f"a constant of shape {list(extents)} is too large to fold")
    return extents


def _axis(source: Source, inputs: Sequence[Array]) -> tuple[int, ...]:
    if len(inputs) > 1:
        return tuple(int(axis) for axis in inputs[1].reshape(-1))
    return source.integers("axes")


def _cast(source: Source, inputs: Sequence[Array]) -> Array:
    elem_type = source.integer("to", 0)
    if elem_type not in DTYPES:
        raise UnsupportedNodeError(f"a cast to {type_name(elem_type)} is not supported")
    target = FORMAT_OF_TYPE.get(elem_type)
    return cast_constant(inputs[0], target, bool(source.integer("saturate", 1)))


def cast_constant(data: Array, target: Format | None, saturate: bool) -> Array:
    """A constant in another format, float64 if `target` is None; see `numerics/conversion.py`."""
    is_double = data.dtype == np.float64
    given = FP32 if is_double else format_of_constant(data)
    stored = unmarked(data)
    if target is None:
        real = decode(stored, given) if given.holds_codes else stored
        return real.astype(np.float64)
    return marked(converted(stored, Conversion(given, target, saturate)), target)


def _concat(source: Source, inputs: Sequence[Array]) -> Array:
    return np.concatenate(list(inputs), source.integer("axis", 0))


def _constant_of_shape(source: Source, inputs: Sequence[Array]) -> Array:
    value = np.asarray(source.attributes.get("value", np.zeros(1, np.float32))).reshape(-1)
    shape = _check_size([int(extent) for extent in inputs[0].reshape(-1)])
    return np.broadcast_to(value[:1].reshape((1,) * len(shape)), shape).copy()


def _divide(source: Source, inputs: Sequence[Array]) -> Array:
    a, b = inputs
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    if np.any(b == 0):
        raise DamagedNodeError("divides by zero")
    quotient: Array = np.abs(a) // np.abs(b) * np.sign(a) * np.sign(b)
    return quotient


def _elementwise(function: Callable[..., Array]) -> Fold:
    def apply(source: Source, inputs: Sequence[Array]) -> Array:
        _check_size(np.broadcast_shapes(*(array.shape for array in inputs)))
        return function(*inputs)

    return apply


def _expand(source: Source, inputs: Sequence[Array]) -> Array:
    given = tuple(int(extent) for extent in inputs[1].reshape(-1))
    shape = np.broadcast_shapes(inputs[0].shape, given)
    return np.ascontiguousarray(np.broadcast_to(inputs[0], _check_size(shape)))


def _gather(source: Source, inputs: Sequence[Array]) -> Array:
    data, indices = inputs
    axis = source.integer("axis", 0)
    if data.ndim == 0 or not -data.ndim <= axis < data.ndim:
        raise DamagedNodeError(f"axis {axis} is outside rank {data.ndim}")
    _check_size((*indices.shape, *data.shape[:axis], *data.shape[axis % data.ndim + 1 :]))
    return np.take(data, indices.astype(np.int64), axis)


def _range(source: Source, inputs: Sequence[Array]) -> Array:
    start, stop, step = (array.reshape(()).item() for array in inputs)
    if step == 0:
        raise DamagedNodeError("has a step of 0")
    _check_size((max(0, int((stop - start) / step) + 1),))
    values: Array = np.arange(start, stop, step)
    return values.astype(inputs[0].dtype)


def _reshape(source: Source, inputs: Sequence[Array]) -> Array:
    shape = [int(extent) for extent in inputs[1].reshape(-1)]
    if not source.integer("allowzero", 0):
        shape = [inputs[0].shape[i] if extent == 0 else extent for i, extent in enumerate(shape)]
    return inputs[0].reshape(shape)


def _slice(source: Source, inputs: Sequence[Array]) -> Array:
    data = inputs[0]
    if len(inputs) > 1:
        given = [[int(value) for value in array.reshape(-1)] for array in inputs[1:]]
        starts, stops = given[0], given[1]
        axes = given[2] if len(given) > 2 else list(range(len(starts)))
        steps = given[3] if len(given) > 3 else [1] * len(starts)
    else:
        starts, stops = list(source.integers("starts")), list(source.integers("ends"))
        axes = list(source.integers("axes")) or list(range(len(starts)))
        steps = [1] * len(starts)
    cut = [slice(None)] * data.ndim
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        before_first = step < 0 and stop < -data.shape[axis]
        cut[axis] = slice(start, None if before_first else stop, step)
    return data[tuple(cut)]


def _squeeze(source: Source, inputs: Sequence[Array]) -> Array:
    axes = _axis(source, inputs)
    return np.squeeze(inputs[0], axes or None)


def _transpose(source: Source, inputs: Sequence[Array]) -> Array:
    return np.transpose(inputs[0], source.integers("perm") or None)


def _unsqueeze(source: Source, inputs: Sequence[Array]) -> Array:
    return np.expand_dims(inputs[0], _axis(source, inputs))


def _modulo(source: Source, inputs: Sequence[Array]) -> Array:
    a, b = inputs
    _check_size(np.broadcast_shapes(a.shape, b.shape))
    if b.dtype.kind in "iu" and np.any(b == 0):
        raise DamagedNodeError("divides by zero")
    remainder: Array = np.fmod(a, b) if source.integer("fmod", 0) else np.mod(a, b)
    return remainder


def _power(source: Source, inputs: Sequence[Array]) -> Array:
    base, exponent = inputs
    _check_size(np.broadcast_shapes(base.shape, exponent.shape))
    power: Array = np.power(base.astype(np.float64), exponent)
    return power.astype(base.dtype)


def _reduced(function: Callable[..., Array]) -> Fold:
    def apply(source: Source, inputs: Sequence[Array]) -> Array:
        axes = _axis(source, inputs)
        if not axes and source.integer("noop_with_empty_axes", 0):
            return inputs[0]
        keep = bool(source.integer("keepdims", 1))
        return np.asarray(function(inputs[0], axis=axes or None, keepdims=keep))

    return apply


def _scatter_nd(source: Source, inputs: Sequence[Array]) -> Array:
    data, indices, updates = inputs
    if source.text("reduction", "none") != "none":
        raise UnsupportedNodeError("a scatter that reduces is not supported")
    scattered = data.copy()
    scattered[tuple(np.moveaxis(indices.astype(np.int64), -1, 0))] = updates
    return scattered


def _tile(source: Source, inputs: Sequence[Array]) -> Array:
    data, repeats = inputs
    times = [int(count) for count in repeats.reshape(-1)]
    if len(times) != data.ndim:
        raise DamagedNodeError(f"has {len(times)} repeats for rank {data.ndim}")
    _check_size([extent * count for extent, count in zip(data.shape, times, strict=True)])
    return np.tile(data, times)


def _trilu(source: Source, inputs: Sequence[Array]) -> Array:
    diagonal = int(inputs[1].reshape(())) if len(inputs) > 1 else 0
    triangle = np.triu if source.integer("upper", 1) else np.tril
    return triangle(inputs[0], diagonal)


FOLDS: dict[str, Fold] = {
    "Abs": _elementwise(np.abs),
    "Add": _elementwise(np.add),
    "And": _elementwise(np.logical_and),
    "Cast": _cast,
    "Ceil": _elementwise(np.ceil),
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Cos": _elementwise(np.cos),
    "Div": _divide,
    "Equal": _elementwise(np.equal),
    "Exp": _elementwise(np.exp),
    "Expand": _expand,
    "Floor": _elementwise(np.floor),
    "Gather": _gather,
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Identity": _elementwise(np.array),
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "Log": _elementwise(np.log),
    "Max": _elementwise(np.maximum),
    "Min": _elementwise(np.minimum),
    "Mod": _modulo,
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Not": _elementwise(np.logical_not),
    "Or": _elementwise(np.logical_or),
    "Pow": _power,
    "Range": _range,
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "Reshape": _reshape,
    "ScatterND": _scatter_nd,
    "Sin": _elementwise(np.sin),
    "Slice": _slice,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Tile": _tile,
    "Transpose": _transpose,
    "Trilu": _trilu,
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(np.where),
}
MOVING = ("Expand", "Gather", "Reshape", "Slice", "Squeeze", "Tile", "Unsqueeze")
"""Those that only move values, so that stored integers keep their scale."""
TAKING_ALL = frozenset({*MOVING, "Cast", "Concat", "Identity", "Transpose"})
"""Those that take constants of formats that numpy cannot compute with."""

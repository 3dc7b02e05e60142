"""Shapes that a file leaves open: they follow from the shapes of the inputs.

A converter that does not know an extent writes -1 into the tensor's shape signature, and a 1 that
means nothing into its shape. So the shape of every tensor computed from an open one is worked out
here again, node by node, as LiteRT does when it allocates its tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from npusim.errors import Problem, UsageError, nearest_name
from npusim.frontend.tflite.movement import sliced_shape
from npusim.frontend.tflite.source import Source, Step
from npusim.frontend.tflite.tables import RawModel, RawTensor
from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.tensor import Tensor

Shape = tuple[int, ...]
_BATCH_AXIS = 0


def with_inputs(
    raw: RawModel, names: Sequence[str], shapes: Mapping[str, Shape]
) -> tuple[RawModel, list[str]]:
    """`raw` with the extents of its open inputs as given, and notes on those taken as 1.

    `names` are the names of all tensors. UsageError for a shape that does not fit an input, and
    for an input with an open extent beside the batch that is not given.
    """
    inputs = [names[index] for index in raw.inputs]
    problems = [_unknown(name, inputs) for name in shapes if name not in inputs]
    tensors, notes = list(raw.tensors), []
    for index in raw.inputs:
        tensor, name = tensors[index], names[index]
        given = shapes.get(name)
        if given is not None:
            if not _fits(given, tensor.signature or tensor.shape):
                problems.append(_misfit(name, given, tensor.signature or tensor.shape))
            tensors[index] = replace(tensor, shape=tuple(given))
            continue
        unknown = [axis for axis, extent in enumerate(tensor.signature) if extent < 0]
        if _BATCH_AXIS in unknown:
            notes.append(f"input '{name}': the open batch extent is taken as {tensor.shape[0]}")
        if any(tensor.shape[axis] <= 1 for axis in unknown if axis != _BATCH_AXIS):
            problems.append(_missing(name, unknown, len(tensor.shape)))
    if problems:
        raise UsageError(problems)
    return replace(raw, tensors=tuple(tensors)), notes


def settled(kind: str, source: Source, is_open: Sequence[bool]) -> Source:
    """`source` with the shapes that a node of `kind` asks for in its outputs that are open.

    Only kinds whose import reads the shape of an output are concerned; `inferred` does the others.
    """
    if kind not in _ASKED or not any(is_open):
        return source
    shape = _ASKED[kind](source)
    outputs = [
        replace(tensor, shape=shape) if opened else tensor
        for tensor, opened in zip(source.outputs, is_open, strict=True)
    ]
    return replace(source, outputs=outputs)


def inferred(
    steps: list[Step], outputs: Sequence[Tensor], is_open: Sequence[bool]
) -> tuple[list[Step], list[Tensor]]:
    """`steps` and the node's `outputs`, the open ones with the shapes that the operators give."""
    opened = [tensor for tensor, free in zip(outputs, is_open, strict=True) if free]
    known: dict[Tensor, Tensor] = {}
    settled_steps = []
    for step in steps:
        inputs = tuple(None if x is None else known.get(x, x) for x in step.inputs)
        shapes = step.op.infer_shapes(inputs)
        for tensor, shape in zip(step.outputs, shapes, strict=False):
            if tensor in opened:
                known[tensor] = replace(tensor, shape=shape)
        results = tuple(known.get(tensor, tensor) for tensor in step.outputs)
        settled_steps.append(Step(step.op, inputs, results))
    return settled_steps, [known.get(tensor, tensor) for tensor in outputs]


def check_closed(tensor: Tensor, raw: RawTensor) -> None:
    """ValueError if `tensor` has another extent than the file states for `raw`."""
    if raw.is_open and not _fits(tensor.shape, raw.signature):
        stated = ", ".join("?" if extent < 0 else str(extent) for extent in raw.signature)
        raise ValueError(f"gives shape {tensor.shape}, the file says ({stated})")


def _reshape(source: Source) -> Shape:
    """The constant shape asked for, one extent of which may be -1."""
    x = source.input(0)
    if source.optional(1) is not None:
        asked = source.integers(1)
    else:
        asked = list(source.options.get("NewShape", ()))
    (shape,) = Reshape(tuple(asked)).infer_shapes((x,))
    return shape


def _squeeze(source: Source) -> Shape:
    shape = source.input(0).shape
    listed = source.options.get("SqueezeDims", ())
    axes = {normal_axis(int(axis), len(shape)) for axis in listed}
    if not axes:
        axes = {axis for axis, extent in enumerate(shape) if extent == 1}
    if any(shape[axis] != 1 for axis in axes):
        raise ValueError(f"squeezes axes {sorted(axes)} of shape {shape}")
    return tuple(extent for axis, extent in enumerate(shape) if axis not in axes)


def _expand_dims(source: Source) -> Shape:
    shape = source.input(0).shape
    (axis,) = source.integers(1)
    at = normal_axis(axis, len(shape) + 1)
    return (*shape[:at], 1, *shape[at:])


def _unpack(source: Source) -> Shape:
    shape = source.input(0).shape
    axis = normal_axis(int(source.options.get("Axis", 0)), len(shape))
    return (*shape[:axis], *shape[axis + 1 :])


def _pack(source: Source) -> Shape:
    shape = source.input(0).shape
    at = normal_axis(int(source.options.get("Axis", 0)), len(shape) + 1)
    return (*shape[:at], len(source.inputs), *shape[at:])


def _resize(source: Source) -> Shape:
    shape = source.input(0).shape
    return (*shape[:1], *source.integers(1), *shape[3:])


def _lstm(source: Source) -> Shape:
    shape, last = source.input(0).shape, source.input(18).shape
    return (*shape[:2], *last[1:])


def _constant(index: int) -> Callable[[Source], Shape]:
    """The shape that input `index` holds."""
    return lambda source: tuple(source.integers(index))


_ASKED: Mapping[str, Callable[[Source], Shape]] = {
    "BROADCAST_TO": _constant(1),
    "EXPAND_DIMS": _expand_dims,
    "PACK": _pack,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": sliced_shape,
    "TRANSPOSE_CONV": _constant(0),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "UNPACK": _unpack,
}


def _fits(given: Shape, signature: Shape) -> bool:
    return len(given) == len(signature) and all(
        extent > 0 and expected in (extent, -1)
        for extent, expected in zip(given, signature, strict=True)
    )


def _unknown(name: str, inputs: Sequence[str]) -> Problem:
    hint, known = nearest_name(name, list(inputs)), ", ".join(inputs)
    return Problem("--shape", f"the model has no input '{name}'{hint}; its inputs: {known}")


def _misfit(name: str, given: Shape, signature: Shape) -> Problem:
    shown = "x".join("?" if extent < 0 else str(extent) for extent in signature)
    what = f"shape {'x'.join(map(str, given))} does not fit input '{name}' of shape {shown}"
    return Problem("--shape", what)


def _missing(name: str, unknown: Sequence[int], rank: int) -> Problem:
    axes, example = ", ".join(map(str, unknown)), "x".join(["1"] + ["N"] * (rank - 1))
    what = f"the input has an open extent on axis {axes}; give it with --shape {name}={example}"
    return Problem(name, what)

"""Inputs of an ONNX graph: element types, and shapes whose open extents the caller may fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import TypeProto, ValueInfoProto

from npusim.errors import Problem, UsageError, nearest_name
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.tensors import FORMAT_OF_TYPE, checked_shape, type_name
from npusim.ir.tensor import Tensor

OPEN = -1
"""The extent that some exporters write where one is open."""


def read_input(
    proto: ValueInfoProto, batch: int | None, shapes: Mapping[str, tuple[int, ...]],
    notes: list[str], named: Mapping[str, int],
) -> Tensor:  # fmt: skip
    """The tensor of one graph input; adds a note where an open batch was taken as 1.

    `named` is what `named_extents` found for these `shapes`.
    """
    if proto.type.WhichOneof("value") != "tensor_type":
        raise UnsupportedNodeError("it is not a tensor")
    kind = proto.type.tensor_type
    fmt = FORMAT_OF_TYPE.get(kind.elem_type)
    if fmt is None:
        raise UnsupportedNodeError(f"its type {type_name(kind.elem_type)} is not supported")
    if not kind.HasField("shape"):
        shape = shapes.get(proto.name)
        if shape is None:
            raise UsageError(Problem(proto.name, _fix(proto.name, "no shape", [None] * 4)))
    else:
        shape = _fixed(proto.name, kind, batch, shapes, notes, named)
    return Tensor(proto.name, checked_shape(shape), fmt)


def named_extents(
    protos: Sequence[ValueInfoProto], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, int]:
    """Extents that the file knows by name (`batch`), as the given shapes fix them.

    A name that two shapes give different extents stands for nothing: exporters write `?` and the
    like for any open extent.
    """
    found: dict[str, set[int]] = {}
    for proto in protos:
        dims = proto.type.tensor_type.shape.dim
        for dim, extent in zip(dims, shapes.get(proto.name, ()), strict=False):
            if dim.WhichOneof("value") == "dim_param" and dim.dim_param:
                found.setdefault(dim.dim_param, set()).add(extent)
    return {name: extents.pop() for name, extents in found.items() if len(extents) == 1}


def check_names(shapes: Mapping[str, tuple[int, ...]], inputs: Sequence[str]) -> None:
    """Refuse shapes of inputs that the model has not."""
    problems = []
    for name in shapes:
        if name not in inputs:
            known = ", ".join(inputs)
            hint = nearest_name(name, list(inputs))
            what = f"the model has no input '{name}'{hint}; its inputs: {known}"
            problems.append(Problem("--shape", what))
    if problems:
        raise UsageError(problems)


def _fixed(
    name: str, kind: TypeProto.Tensor, batch: int | None, shapes: Mapping[str, tuple[int, ...]],
    notes: list[str], named: Mapping[str, int],
) -> tuple[int, ...]:  # fmt: skip
    given = shapes.get(name)
    declared = [_extent(dim) for dim in kind.shape.dim]
    if given is None:
        pairs = zip(kind.shape.dim, declared, strict=True)
        declared = [named.get(d.dim_param) if e is None else e for d, e in pairs]
    if given is not None:
        fits = len(given) == len(declared) and all(
            extent == expected or (expected is None and extent > 0)
            for extent, expected in zip(given, declared, strict=False)
        )
        if not fits:
            shown = "x".join("?" if extent is None else str(extent) for extent in declared)
            what = f"shape {'x'.join(map(str, given))} does not fit input '{name}' of shape {shown}"
            raise UsageError(Problem("--shape", what))
        return tuple(given)
    if declared and declared[0] is None:
        if batch is None:
            notes.append(f"input '{name}': the open batch extent is taken as 1")
        declared[0] = 1 if batch is None else batch
    elif declared and batch is not None and batch != declared[0]:
        what = f"input '{name}' has a fixed batch of {declared[0]}, not {batch}"
        raise UsageError(Problem("--batch", what))
    open_axes = [str(axis) for axis, extent in enumerate(declared) if extent is None]
    if open_axes:
        what = f"an open extent on axis {', '.join(open_axes)}"
        raise UsageError(Problem(name, _fix(name, what, declared)))
    return tuple(extent for extent in declared if extent is not None)


def _extent(dim: object) -> int | None:
    """A declared extent, None where it is a name or missing."""
    if dim.WhichOneof("value") == "dim_value":  # type: ignore[attr-defined]
        value = int(dim.dim_value)  # type: ignore[attr-defined]
        if value < OPEN:
            raise DamagedNodeError(f"has a negative extent {value}")
        return None if value == OPEN else value
    return None


def _fix(name: str, what: str, declared: Sequence[int | None]) -> str:
    shown = ["N" if extent is None else str(extent) for extent in declared]
    example = "x".join(["1" if declared[0] is None else shown[0], *shown[1:]])
    return f"the input has {what}; give it with --shape {name}={example}"

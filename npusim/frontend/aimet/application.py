"""Encodings applied to a float ONNX model: names and shapes checked, then nodes inserted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np

from npusim.errors import ModelFileError, Problem, UnsupportedModelError, nearest_name
from npusim.frontend.aimet.biases import stored_biases
from npusim.frontend.aimet.coverage import described, left_out, passed_on
from npusim.frontend.aimet.encoding import Encoding
from npusim.frontend.aimet.insertion import inserted
from npusim.frontend.aimet.reader import read_encodings
from npusim.frontend.aimet.roles import axes, is_bias, is_operand_bias, is_shift
from npusim.frontend.aimet.supergroups import with_biases_inside
from npusim.frontend.aimet.tensors import Tensors
from npusim.frontend.content import content_of
from npusim.frontend.onnx.parsing import parse_model
from npusim.frontend.onnx.reader import MAX_FILE_BYTES, read_onnx_bytes
from npusim.ir.graph import Graph
from npusim.numerics.formats import INT32

PARTIAL_OPTION = "--partial-encodings"
MOST_HINTS = 20
"""Wrong names for which the nearest one is looked for: that takes a look at all names."""
_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul")


def read_with_encodings(
    path: str | Path,
    encodings: str | Path,
    *,
    partial: bool = False,
    batch: int | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Graph:
    """The float ONNX model at `path`, quantized as the AIMET file `encodings` says.

    Constants are rounded as QuantizeLinear rounds them, to even; AIMET's own kernel adds the offset
    first, in float32, and rounds halves up, so that weights within some 1e-5 steps of a half can be
    one step away from its simulation. Biases become int32 in the scale of their products.

    Tensors that operators compute with and that have no encoding are an error; with `partial` they
    stay float32, and a note of the graph names them. ModelFileError lists all that does not fit
    the model, UnsupportedModelError the encodings that npusim has no arithmetic for.
    """
    path, encodings = Path(path), Path(encodings)
    content = content_of(path, MAX_FILE_BYTES, "an ONNX file")
    model = parse_model(content, path)
    given = read_encodings(encodings)
    named = {one.name: one for one in given}
    model, added = with_biases_inside(model, Tensors(model, path), named)
    tensors = Tensors(model, path)
    plan = _Plan(tensors, given, partial, added)
    plan.check(path, encodings)
    biases = stored_biases(model, tensors, plan.encodings)
    made = inserted(
        model, tensors, {**plan.encodings, **biases.encodings},
        {**plan.constants, **biases.values},
        {**plan.axes, **{name: 0 for name, one in biases.encodings.items() if one.scale.size > 1}},
    )  # fmt: skip
    graph = read_onnx_bytes(made.SerializeToString(), path, batch, shapes)
    both = hashlib.sha256(content + encodings.read_bytes()).hexdigest()
    return replace(graph, sha256=both, notes=(*graph.notes, *plan.notes))


@dataclass(eq=False)
class _Plan:
    """What is quantized, and everything that speaks against it."""

    tensors: Tensors
    given: tuple[Encoding, ...]
    partial: bool
    added: frozenset[str]
    """Tensors that are not in the file, which no message names."""
    encodings: dict[str, Encoding] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    axes: dict[str, int] = field(default_factory=dict)
    wrong: list[Problem] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(self, path: Path, source: Path) -> None:
        """Fill the plan; raise the error with every problem if there is one."""
        operators = {node.op_type for node in self.tensors.writers.values()}
        if operators & set(_QUANTIZED):
            what = f"is quantized already ({', '.join(sorted(operators & set(_QUANTIZED)))})"
            raise ModelFileError(Problem(str(path), f"{what}; encodings are for a float model"))
        for one in self.given:
            self._take(one)
        covered = {**self.encodings, **{one.name: one for one in self.given}}
        everywhere = passed_on(self.tensors, covered)
        missing = left_out(self.tensors, everywhere)
        self._check_coverage([name for name in missing if name not in self.added], source)
        if self.wrong:
            raise ModelFileError([*self.wrong, *self.refused])
        if self.refused:
            raise UnsupportedModelError(self.refused)
        for name, one in everywhere.items():
            if name not in covered and not one.stays_float:
                self.encodings[name] = one

    def _take(self, one: Encoding) -> None:
        """Put `one` into the plan, or say what is wrong with it."""
        name, tensors = one.name, self.tensors
        if name not in tensors.names:
            hint = ""
            if len(self.wrong) < MOST_HINTS:
                known = [known for known in tensors.names if known not in self.added]
                hint = nearest_name(name, known)
            self.wrong.append(Problem(one.where, f"the model has no tensor '{name}'{hint}"))
        elif one.refusal:
            self.refused.append(Problem(one.where, one.refusal))
        elif not tensors.is_real(name):
            self.wrong.append(Problem(one.where, f"'{name}' holds no float32 values"))
        elif one.format == INT32:
            self._take_bias(one)
        elif name in tensors.constants:
            self._take_constant(one)
        elif one.granularity != "tensor":
            what = f"'{name}' is computed: it needs one scale, not {one.scale.size}"
            self.refused.append(Problem(one.where, what))
        elif not one.stays_float:
            self._take_computed(one)

    def _take_computed(self, one: Encoding) -> None:
        if one.saturates:
            self.encodings[one.name] = one
            return
        what = (
            f"a strictly symmetric grid ({one.low} to {one.high}) of a computed tensor is not "
            f"supported: {one.format.name} saturates at {one.format.low}"
        )
        self.refused.append(Problem(one.where, what))

    def _take_bias(self, one: Encoding) -> None:
        """A bias is int32 in the scale of its products, which needs no encoding."""
        if is_shift(self.tensors, one.name):
            self._take_constant(one)
        elif not is_bias(self.tensors, one.name):
            what = f"'{one.name}' is no bias: integers of 32 bits are for biases only"
            self.refused.append(Problem(one.where, what))

    def _take_constant(self, one: Encoding) -> None:
        if one.stays_float:
            return
        if is_operand_bias(self.tensors, one.name):
            what = f"a bias in {one.format.name} is not supported, int32 and fp32 are"
            self.refused.append(Problem(one.where, what))
            return
        value = self.tensors.value(one.name)
        if isinstance(value, str):
            self.wrong.append(Problem(f"constant '{one.name}'", value))
            return
        try:
            placed, axis = _placed(one, self.tensors, value.shape)
        except ValueError as error:
            self.wrong.append(Problem(one.where, str(error)))
            return
        self.encodings[one.name] = placed
        self.constants[one.name] = value
        if axis is not None:
            self.axes[one.name] = axis

    def _check_coverage(self, names: list[str], source: Path) -> None:
        if not names:
            return
        listed = [described(self.tensors, name) for name in names]
        if self.partial:
            self.notes.append(
                f"{len(names)} tensors have no encoding in {source.name} and stay float32: "
                f"{', '.join(listed)}"
            )
            return
        count = "1 tensor has" if len(names) == 1 else f"{len(names)} tensors have"
        what = f"{count} no encoding; with {PARTIAL_OPTION} what has none stays float32"
        self.wrong.append(Problem(str(source), what))
        self.wrong += [Problem(str(source), f"no encoding for {one}") for one in listed]


def _placed(one: Encoding, tensors: Tensors, shape: tuple[int, ...]) -> tuple[Encoding, int | None]:
    """`one` with scales in the shape that a DequantizeLinear of a constant of `shape` takes.

    With it the axis of its channels or blocks. ValueError if scales and constant do not fit.
    """
    if one.granularity == "tensor":
        return one, None
    found = {axes(use, len(shape)) for use in tensors.uses.get(one.name, [])} or {None}
    if one.axis is None and (len(found) != 1 or None in found):
        raise ValueError(f"has {one.scale.size} scales, but '{one.name}' has no channel axis")
    channels, inputs = next(iter(found)) or (0, 0)
    axis = one.axis
    if axis is None:
        axis = inputs if one.granularity == "block" else channels
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"axis {axis} is outside the rank of '{one.name}', which is {len(shape)}")
    axis %= len(shape)
    if one.granularity == "channel":
        if one.scale.size != shape[axis]:
            raise ValueError(
                f"has {one.scale.size} scales for the {shape[axis]} channels of '{one.name}'"
            )
        flat = one.scale.reshape(-1), one.zero_point.reshape(-1)
        return replace(one, scale=flat[0], zero_point=flat[1]), axis
    return _blocked(one, shape, axis, channels), axis


def _blocked(one: Encoding, shape: tuple[int, ...], axis: int, channels: int) -> Encoding:
    """Scales of blocks with an extent for each axis of the constant, as DequantizeLinear wants.

    A file that states no axis has them in the order of the channels; one that does has them in the
    order of the constant's axes.
    """
    if one.block_size < 1 or shape[axis] % one.block_size:
        raise ValueError(f"blocks of {one.block_size} do not fit the {shape[axis]} of axis {axis}")
    blocks = shape[axis] // one.block_size
    full = tuple(blocks if at == axis else extent for at, extent in enumerate(shape))
    coarse = tuple(extent if at in (axis, channels) else 1 for at, extent in enumerate(full))
    if one.scale.size not in (prod(full), prod(coarse)):
        raise ValueError(f"has {one.scale.size} scales for blocks of shape {list(coarse)}")
    given = full if one.axis is not None and one.scale.size == prod(full) else coarse
    parts = []
    for part in (one.scale, one.zero_point):
        if one.axis is None and channels > axis:
            part = part.reshape(-1, blocks).T
        parts.append(np.array(np.broadcast_to(part.reshape(given), full)))
    return replace(one, scale=parts[0], zero_point=parts[1])

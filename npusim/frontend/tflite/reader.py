"""A .tflite file as a Graph: quantized models, float models, and models that keep a state.

Names of tensors are those of the file (made unique where the file repeats one); weights of
depthwise convolutions are brought to the order [O, FY, FX, 1]. Shapes that the file declares are
compared with those that the operators give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from npusim.errors import ModelFileError, Problem, UnsupportedModelError
from npusim.frontend.content import content_of
from npusim.frontend.tflite.folding import known_values
from npusim.frontend.tflite.operators import IMPORTS
from npusim.frontend.tflite.shapes import Shape, check_closed, inferred, settled, with_inputs
from npusim.frontend.tflite.source import Known, Source, Step, UnsupportedNodeError
from npusim.frontend.tflite.state import RawState, resolve_states
from npusim.frontend.tflite.tables import RawModel, RawOperator, read_tables
from npusim.frontend.tflite.tensors import make_tensor, place_problem, type_problem
from npusim.ir.graph import Graph, Node, State
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP16, FP32

PROFILE = "tflite-reference"
MAX_FILE_BYTES = 2**31
_WEIGHTED = ("conv2d", "fully_connected", "transposed_conv2d")


def read_tflite(path: str | Path, shapes: Mapping[str, Shape] | None = None) -> Graph:
    """Read the model at `path`; `shapes` (input name to extents) fixes what it leaves open.

    Raises ModelFileError for a damaged file, UnsupportedModelError listing every node that npusim
    can't run, UsageError if there is no such file.
    """
    path = Path(path)
    content = content_of(path, MAX_FILE_BYTES, "a TFLite file")
    raw = read_tables(content, str(path))
    return _Builder(raw, path, shapes or {}).graph(hashlib.sha256(content).hexdigest())


class _Builder:
    """Builds the graph of one file; collects problems so that all are reported at once."""

    def __init__(self, raw: RawModel, path: Path, shapes: Mapping[str, Shape]) -> None:
        resolved = resolve_states(raw)
        self.names = _unique_names(resolved.model)
        self.raw, self.notes = with_inputs(resolved.model, self.names, shapes)
        self.resized = bool(shapes)
        self.path = path
        self.states = resolved.states
        self.damaged: list[Problem] = []
        for where, what in resolved.damaged:
            self._damage(where, what)
        self.unsupported = [Problem(where, what) for where, what in resolved.unsupported]
        self.taken = frozenset(self.names)
        self.file_tensors: dict[int, Tensor | None] = {}
        self.used: dict[str, Tensor] = {}
        self.unknown: set[int] = set()
        self.computed: set[str] = set()
        self.ready: set[int] = {*raw.inputs, *(state.read for state in self.states)}

    def graph(self, sha256: str) -> Graph:
        """The graph, or the error with every problem found."""
        nodes = [node for op in self.raw.operators for node in self._nodes(op.number, op)]
        states = [self._state(state) for state in self.states]
        kept = [index for state in self.states for index in (state.read, state.written)]
        for index in (*self.raw.inputs, *self.raw.outputs, *kept):
            tensor = self._tensor(index)
            if tensor is not None:
                self.used.setdefault(tensor.name, tensor)
        for index in self.raw.outputs:
            if index not in self.ready and self.raw.tensors[index].data is None:
                self._damage(f"tensor '{self.names[index]}'", "is an output that no node computes")
        if not self.raw.outputs:
            self._damage("", "the model has no outputs")
        if self.damaged:
            raise ModelFileError(self.damaged)
        if self.unsupported:
            understood = [(node.name, node.op.kind) for node in nodes]
            raise UnsupportedModelError(self.unsupported, understood)
        counted_only = _run_time_quantization(nodes, self.used)
        return Graph(
            name=self.path.stem,
            nodes=tuple(nodes),
            tensors=self.used,
            inputs=tuple(self.names[index] for index in self.raw.inputs),
            outputs=tuple(self.names[index] for index in self.raw.outputs),
            profile=PROFILE,
            sha256=sha256,
            notes=(*self.notes, *self._notes(), *([counted_only] if counted_only else [])),
            states=tuple(state for state in states if state is not None),
            counted_only=counted_only,
        )

    def _state(self, raw: RawState) -> State | None:
        """The state, or None with a problem noted."""
        tensor = self._tensor(raw.read)
        where = f"variable '{raw.name}'"
        if not self._is_available(raw.written):
            self._damage(where, f"is assigned '{self.names[raw.written]}' before it is computed")
        if tensor is None or self._tensor(raw.written) is None:
            return None
        try:
            value = None if raw.initial is None else make_tensor(raw.initial, raw.initial.name).data
        except ValueError as error:
            self._damage(where, str(error))
            return None
        if value is None:
            zero = 0 if tensor.quantization is None else tensor.quantization.scalar_zero_point
            value = np.full(tensor.shape, zero, tensor.format.dtype)
        return State(raw.name, value, tensor.name, self.names[raw.written])

    def _nodes(self, index: int, raw: RawOperator) -> list[Node]:
        """The nodes that stand for operator `index`; none if it is folded or has a problem."""
        label = self.names[raw.outputs[0]] if raw.outputs else str(index)
        where = f"node {index} ({raw.kind}, '{label}')"
        missing = [i for i in raw.inputs if i >= 0 and not self._is_available(i)]
        if missing:
            self._damage(where, f"reads '{self.names[missing[0]]}' before it is computed")
        if any(i in self.ready or self.raw.tensors[i].data is not None for i in raw.outputs):
            self._damage(where, "writes a tensor that has a value already")
        self.ready.update(raw.outputs)
        is_open = [self.resized or self.raw.tensors[i].is_open for i in raw.outputs]
        self.unknown.update(i for i, free in zip(raw.outputs, is_open, strict=True) if free)
        if not self._is_supported(where, raw) or self.unknown.intersection(raw.inputs):
            return []
        inputs = tuple(self._tensor(i) if i >= 0 else None for i in raw.inputs)
        outputs = [self._tensor(i) for i in raw.outputs]
        present = [tensor for tensor in outputs if tensor is not None]
        if len(present) != len(outputs) or None in [
            tensor for i, tensor in zip(raw.inputs, inputs, strict=True) if i >= 0
        ]:
            return []
        try:
            source = Source(raw.options, inputs, present, self.computed)
            source = settled(raw.kind, source, is_open)
            steps, present = self._steps(raw.kind, source, is_open)
            values = known_values(steps, present)
            for i, tensor in zip(raw.outputs, present, strict=True):
                check_closed(tensor, self.raw.tensors[i])
                self.file_tensors[i] = tensor
            self.unknown.difference_update(raw.outputs)
            if values is not None:
                self._fold(raw, present, values)
                return []
        except UnsupportedNodeError as error:
            self.unsupported.append(Problem(where, str(error)))
            return []
        except ValueError as error:
            self._damage(where, str(error))
            return []
        return [] if isinstance(steps, Known) else [self._node(step) for step in steps]

    def _steps(
        self, kind: str, source: Source, is_open: Sequence[bool]
    ) -> tuple[list[Step] | Known, list[Tensor]]:
        """What stands for a node of `kind`, and its outputs.

        Shapes are compared with those of the file, or where it leaves them open take their place.
        """
        imported = IMPORTS[kind](source)
        if isinstance(imported, Known):
            return imported, list(source.outputs)
        if isinstance(imported, tuple):
            imported = [Step(*imported, tuple(source.outputs))]
        outputs = list(source.outputs)
        if any(is_open):
            imported, outputs = inferred(imported, outputs, is_open)
        for step in imported:
            shapes = step.op.infer_shapes(step.inputs)
            declared = [tensor.shape for tensor in step.outputs]
            if len(shapes) != len(declared):
                raise ValueError(f"has {len(declared)} outputs")
            if shapes != declared:
                raise ValueError(f"gives shape {shapes[0]}, the file says {declared[0]}")
            for tensor in step.outputs:
                if tensor not in outputs and tensor.name in self.taken:
                    raise UnsupportedNodeError(f"'{tensor.name}' is the name of another tensor")
        return imported, outputs

    def _fold(
        self, raw: RawOperator, outputs: list[Tensor], values: tuple[np.ndarray, ...]
    ) -> None:
        """Make constants of a node's outputs."""
        for index, tensor, value in zip(raw.outputs, outputs, values, strict=True):
            if value.shape != tensor.shape or value.dtype != np.dtype(tensor.format.dtype):
                raise ValueError(f"gives shape {value.shape}, the file says {tensor.shape}")
            self.file_tensors[index] = replace(tensor, data=value)
            self.computed.add(tensor.name)

    def _node(self, step: Step) -> Node:
        names = tuple(self._use(tensor) for tensor in step.inputs)
        outputs = tuple(self._use(tensor) for tensor in step.outputs)
        return Node(outputs[0], step.op, names, outputs)

    def _is_supported(self, where: str, raw: RawOperator) -> bool:
        if raw.kind not in IMPORTS:
            self.unsupported.append(Problem(where, "this operator is not supported"))
            return False
        if not raw.outputs:
            self._damage(where, "has no outputs")
            return False
        places = [(place, index) for place, index in enumerate(raw.inputs) if index >= 0]
        reasons = [place_problem(raw.kind, p, self.raw.tensors[i]) for p, i in places]
        used = (*(index for _, index in places), *raw.outputs)
        for reason in (*(type_problem(self.raw.tensors[index]) for index in used), *reasons):
            if reason:
                self.unsupported.append(Problem(where, reason))
                return False
        return True

    def _use(self, tensor: Tensor | None) -> str:
        """Take `tensor` into the graph under a name of its own; its name ("" for None)."""
        if tensor is None:
            return ""
        name = tensor.name
        known = self.used.get(name)
        if known is not None and known.shape != tensor.shape:
            name = f"{name}:depthwise"
            tensor = replace(tensor, name=name)
        self.used[name] = tensor
        return name

    def _tensor(self, index: int) -> Tensor | None:
        """The tensor with this index, or None with its problem noted once."""
        if index not in self.file_tensors:
            self.file_tensors[index] = self._make(index)
        return self.file_tensors[index]

    def _make(self, index: int) -> Tensor | None:
        raw = self.raw.tensors[index]
        where = f"tensor '{self.names[index]}'"
        reason = type_problem(raw)
        if reason:
            self.unsupported.append(Problem(where, reason))
            return None
        try:
            return make_tensor(raw, self.names[index])
        except ValueError as error:
            self._damage(where, str(error))
            return None

    def _is_available(self, index: int) -> bool:
        return index in self.ready or self.raw.tensors[index].data is not None

    def _damage(self, where: str, what: str) -> None:
        self.damaged.append(Problem(f"{self.path}: {where}".rstrip(": "), what))

    def _notes(self) -> tuple[str, ...]:
        if not any(t.is_constant and t.format in (FP32, FP16) for t in self.used.values()):
            return ()
        return ("a float model: what is float runs on the host where the NPU has no fp32",)


def _run_time_quantization(nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> str:
    """Why a model of dynamic-range quantization is not executed; empty for any other model."""
    for node in nodes:
        x, w = [tensors.get(name) for name in (*node.inputs, "", "")[:2]]
        if node.op.kind in _WEIGHTED and x and w and x.format == FP32 and w.format != FP32:
            return (
                f"'{node.name}' has a float32 input and weights of {w.format.name} (dynamic-range "
                "quantization): LiteRT quantizes that input by the range that it finds at run "
                "time, npusim counts the model but does not execute it"
            )
    return ""


def _unique_names(raw: RawModel) -> list[str]:
    """The file's names, with the index added where one is empty or repeats an earlier one."""
    seen: set[str] = set()
    names = []
    for index, tensor in enumerate(raw.tensors):
        name = tensor.name or f"tensor_{index}"
        while name in seen:
            name = f"{name}#{index}"
        seen.add(name)
        names.append(name)
    return names

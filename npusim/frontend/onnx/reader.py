"""An .onnx file as a Graph: parse safely, read node by node, clean up, report every problem.

A branch whose condition is constant is read in place of the node that holds it.

Names of tensors are those of the file. Images keep their logical order [B, C, H, W]; weights are
brought to [O, FY, FX, C] and [N, C].
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto

from npusim.errors import ModelFileError, Problem, UnsupportedModelError, UsageError
from npusim.frontend.content import content_of
from npusim.frontend.onnx.cleanup import clean_up
from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.folding import FOLDS, MOVING, constant_value, fold
from npusim.frontend.onnx.functions import replaced_notes, with_bodies
from npusim.frontend.onnx.inputs import check_names, named_extents, read_input
from npusim.frontend.onnx.parsing import parse_model
from npusim.frontend.onnx.source import STANDARD_DOMAINS, Source, read_node
from npusim.frontend.onnx.table import OPERATORS
from npusim.frontend.onnx.tensors import read_tensor
from npusim.ir.graph import Graph
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.tensor import Tensor

KNOWN = frozenset((*OPERATORS, *FOLDS, "Constant", "If", "Shape"))
"""Operators that are read, some of them where their inputs are constants only."""
PROFILE = "onnx"
OPTIONAL_OUTPUTS = ("GRU", "LSTM", "RNN")
"""Operators that need not give their first output."""
UNEXPECTED = (ValueError, TypeError, IndexError, KeyError, OverflowError, AssertionError)
"""What a node that contradicts itself can raise where no check of ours names the contradiction."""

MAX_FILE_BYTES = 2**31
"""What a protobuf message can hold; larger weights live in external files."""


def read_onnx(
    path: str | Path,
    *,
    batch: int | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Graph:
    """Read the model at `path`; `shapes` and `batch` fix open extents of its inputs.

    Raises ModelFileError for a damaged or unsafe file, UnsupportedModelError listing every node
    that npusim can't run, UsageError if there is no such file or an extent stays open.
    """
    path = Path(path)
    return read_onnx_bytes(content_of(path, MAX_FILE_BYTES, "an ONNX file"), path, batch, shapes)


def read_onnx_bytes(
    content: bytes,
    path: Path,
    batch: int | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Graph:
    """A model that is in memory already, as `read_onnx` reads it from a file.

    `path` names it in messages; data outside the message is looked for beside it.
    """
    given = parse_model(content, path)
    model = with_bodies(given, KNOWN)
    builder = _Builder(model, path)
    builder.notes += replaced_notes(given, model)
    return builder.graph(batch, shapes or {}, hashlib.sha256(content).hexdigest())


class _Builder:
    """Reads one file; collects problems so that all are reported at once."""

    def __init__(self, model: ModelProto, path: Path) -> None:
        self.proto: GraphProto = model.graph
        self.path = path
        self.context = Context()
        self.opsets = {
            "" if opset.domain in STANDARD_DOMAINS else opset.domain: opset.version
            for opset in model.opset_import
        }
        self.damaged: list[Problem] = []
        self.unsupported: list[Problem] = []
        self.behind: list[tuple[str, str]] = []
        """Known operators on tensors that could not be read: name and operator."""
        self.notes: list[str] = []

    def graph(self, batch: int | None, shapes: Mapping[str, tuple[int, ...]], sha256: str) -> Graph:
        """The graph, or the error with every problem found."""
        self._read_initializers(self.proto)
        inputs = self._read_inputs(batch, shapes)
        for index, proto in enumerate(self.proto.node):
            self._read_node(proto, proto.name or f"{proto.op_type}_{index}")
        outputs = self._read_outputs()
        self._raise()
        context = self.context
        graph = Graph(
            name=self.path.stem,
            nodes=tuple(context.nodes),
            tensors=context.tensors,
            inputs=inputs,
            outputs=outputs,
            profile=PROFILE,
            sha256=sha256,
            notes=tuple(self.notes),
        )
        return clean_up(graph)

    def _raise(self) -> None:
        if self.damaged:
            raise ModelFileError(self.damaged)
        if self.unsupported:
            understood = [(node.name, node.op.kind) for node in self.context.nodes]
            raise UnsupportedModelError(self.unsupported, understood, self.behind)

    def _note(self, where: str, error: Exception) -> None:
        found = self.damaged if isinstance(error, DamagedNodeError) else self.unsupported
        found.append(Problem(where, str(error)))

    def _read_initializers(self, graph: GraphProto) -> None:
        if graph.sparse_initializer:
            self.unsupported.append(Problem(str(self.path), "sparse initializers"))
        for proto in graph.initializer:
            try:
                self.context.constants[proto.name] = read_tensor(proto, self.path.parent)
            except (DamagedNodeError, UnsupportedNodeError) as error:
                self._note(f"constant '{proto.name}'", error)
                self.context.failed.add(proto.name)

    def _read_inputs(
        self, batch: int | None, shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[str, ...]:
        known = {*self.context.constants, *self.context.failed}
        protos = [proto for proto in self.proto.input if proto.name not in known]
        check_names(shapes, [proto.name for proto in protos])
        named = named_extents(protos, shapes)
        problems: list[Problem] = []
        for proto in protos:
            try:
                tensor = read_input(proto, batch, shapes, self.notes, named)
                if tensor.name in self.context.tensors or not tensor.name:
                    raise DamagedNodeError("is there twice or has no name")
                self.context.tensors[tensor.name] = tensor
            except (DamagedNodeError, UnsupportedNodeError) as error:
                self._note(f"input '{proto.name}'", error)
                self.context.failed.add(proto.name)
            except UsageError as error:
                problems.extend(error.problems)
        if problems:
            raise UsageError(problems)
        return tuple(proto.name for proto in protos)

    def _read_node(self, proto: NodeProto, name: str) -> None:
        context = self.context
        where = f"node '{name}' ({proto.op_type})"
        failed = any(context.resolve(given) in context.failed for given in proto.input if given)
        branch = None if failed else self._known_branch(proto)
        if branch is not None:
            self._inline(branch, proto, name)
            return
        try:
            source = read_node(proto, name, self.opsets, self.path.parent)
            if source.operator not in KNOWN:
                raise UnsupportedNodeError(f"operator {source.operator} is not supported")
            self._check_names(source)
            if not failed:
                self._convert(source)
                return
            self.behind.append((name, proto.op_type))
        except (DamagedNodeError, UnsupportedNodeError) as error:
            self._note(where, error)
        except UNEXPECTED as error:
            self.damaged.append(Problem(where, f"can't be read: {error}"))
        context.failed.update(out for out in proto.output if out)

    def _known_branch(self, proto: NodeProto) -> GraphProto | None:
        """The graph that an If with a constant condition runs; None for any other node."""
        if proto.op_type != "If" or proto.domain not in STANDARD_DOMAINS or len(proto.input) != 1:
            return None
        condition = self.context.constants.get(self.context.resolve(proto.input[0]))
        if condition is None or condition.size != 1:
            return None
        wanted = "then_branch" if condition.reshape(()) else "else_branch"
        found = [attribute.g for attribute in proto.attribute if attribute.name == wanted]
        fits = found and len(found[0].output) == len(proto.output)
        return found[0] if fits else None

    def _inline(self, branch: GraphProto, proto: NodeProto, name: str) -> None:
        """Read the nodes of `branch` in place of `proto`, whose outputs are those of the branch."""
        context = self.context
        self._read_initializers(branch)
        for index, node in enumerate(branch.node):
            self._read_node(node, node.name or f"{name}/{node.op_type}_{index}")
        for given, inner in zip(proto.output, branch.output, strict=True):
            if context.resolve(inner.name) in context.failed:
                context.failed.add(given)
            elif given and given != inner.name:
                context.aliases[given] = inner.name

    def _check_names(self, source: Source) -> None:
        """Each name is written once, before it is read."""
        context = self.context
        written = [out for out in source.outputs if out]
        known = (context.tensors, context.constants, context.quantized, context.aliases)
        if not written:
            raise DamagedNodeError("writes nothing")
        if any(out in names for out in written for names in known) or len(set(written)) < len(
            written
        ):
            raise DamagedNodeError(f"writes '{written[0]}', which is there already")
        for given in source.inputs:
            name = context.resolve(given)
            if given and name not in context.failed and not any(name in names for names in known):
                raise DamagedNodeError(f"reads '{given}', which nothing has written")

    def _convert(self, source: Source) -> None:
        context = self.context
        if source.operator == "Constant":
            context.constants[source.outputs[0]] = constant_value(source)
            return
        if source.operator == "Shape":
            context.constants[source.outputs[0]] = self._shape(source)
            return
        names = [context.resolve(given) for given in source.inputs if given]
        if names and all(name in context.constants for name in names):
            value = fold(source, [context.constants[name] for name in names])
            if value is not None:
                context.constants[source.outputs[0]] = value
                return
        if self._moves_constant(source, names):
            return
        function = OPERATORS.get(source.operator)
        if function is None:
            raise UnsupportedNodeError(f"{source.operator} of an activation is not supported")
        self._check_elements(source, names)
        if not source.outputs[0] and source.operator not in OPTIONAL_OUTPUTS:
            raise DamagedNodeError("leaves its first output out")
        function(context, source)

    def _check_elements(self, source: Source, names: Sequence[str]) -> None:
        """Refuse to compute from a tensor that has no elements."""
        if source.operator == "Concat":  # which leaves them out
            return
        for name in names if source.operator != "CastLike" else names[:1]:
            tensor = self.context.tensors.get(name)
            if tensor is not None and not tensor.size:
                raise UnsupportedNodeError(f"reads '{name}', which has no elements")

    def _moves_constant(self, source: Source, names: Sequence[str]) -> bool:
        """True if the node rearranges a dequantized constant: then its stored integers are."""
        context = self.context
        found = context.quantized.get(names[0]) if names else None
        if found is None or source.operator not in MOVING or not found.quantization.is_per_tensor:
            return False
        if any(name not in context.constants for name in names[1:]):
            return False
        data = fold(source, [found.data, *(context.constants[name] for name in names[1:])])
        if data is None:
            return False
        context.quantized[source.outputs[0]] = replace(found, data=data)
        return True

    def _shape(self, source: Source) -> np.ndarray:
        context = self.context
        name = context.name_of(source, 0)
        shape: Sequence[int]
        if name in context.constants:
            shape = context.constants[name].shape
        elif name in context.quantized:
            shape = context.quantized[name].data.shape
        else:
            shape = context.activation(source, 0).shape
        start = source.integer("start", 0)
        stop = source.integer("end", len(shape))
        return np.array(shape[start:stop], np.int64)

    def _read_outputs(self) -> tuple[str, ...]:
        """Names of the outputs; one that is another name for a tensor becomes a view of it."""
        context = self.context
        names = [proto.name for proto in self.proto.output]
        for name in names:
            where = f"output '{name}'"
            tensor = context.tensors.get(context.resolve(name))
            if name in context.failed:
                continue
            try:
                tensor = tensor or self._constant_output(name)
            except UnsupportedNodeError as error:
                self._note(where, error)
                continue
            if tensor is None:
                self.damaged.append(Problem(where, "is computed by no node"))
            elif not tensor.size:
                self.unsupported.append(Problem(where, "has no elements"))
            elif tensor.name != name:
                context.aliases.pop(name, None)
                context.add_node(
                    name, Reshape(tensor.shape), [tensor], name, tensor.shape, tensor.format,
                    tensor.quantization,
                )  # fmt: skip
        return tuple(names)

    def _constant_output(self, name: str) -> Tensor | None:
        """A constant that the model gives out, under a name of its own; None if it is none."""
        context = self.context
        found = context.constants.get(context.resolve(name))
        stored = context.quantized.get(context.resolve(name))
        if stored is not None:
            found = stored.real()
        return None if found is None else context.add_constant(f"{name}:constant", found)

"""What a TFLite model keeps from inference to inference, as states of a graph.

Two mechanisms exist. Resource variables: VAR_HANDLE names one, READ_VARIABLE and ASSIGN_VARIABLE
get and set it, CALL_ONCE runs a subgraph that gives it its first value. Variable tensors: inputs of
a recurrent operator that it overwrites; they start at their zero point.

Both become pairs of tensors, the one that is read first and the one that is written last, and the
operators that only move values in and out of a variable disappear. A variable that is read after
it was assigned in the same inference is a copy of what was assigned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from npusim.frontend.tflite.tables import RawGraph, RawModel, RawOperator, RawTensor

VARIABLES = ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE")
"""The operators on resource variables; none is left in a graph."""
LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
LSTM_STATES = (18, 19)
"""The inputs of an LSTM that it overwrites: its last output and its cell."""
_HIDDEN = 4
"""The intermediate tensor of an LSTM that holds the hidden values."""

_Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class RawState:
    """A state: tensor indices of its old and new value, and the constant that it starts with.

    `initial` None stands for the zero point of the tensor.
    """

    name: str
    read: int
    written: int
    initial: RawTensor | None


@dataclass(eq=False)
class Resolved:
    """A model whose variables are states; `damaged` and `unsupported` are (where, what)."""

    model: RawModel
    states: list[RawState] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    unsupported: list[tuple[str, str]] = field(default_factory=list)


def resolve_states(raw: RawModel) -> Resolved:
    """`raw` without operators on variables, and the states that they meant."""
    walk = _Walk(raw)
    operators = [kept for operator in raw.operators for kept in walk.visit(operator)]
    found = Resolved(replace(raw, tensors=tuple(walk.tensors), operators=tuple(operators)))
    found.damaged, found.unsupported = walk.damaged, walk.unsupported
    found.states = [*walk.resources(), *walk.states]
    return found


class _Walk:
    """The operators of the main subgraph in order; what each variable holds at this point."""

    def __init__(self, raw: RawModel) -> None:
        self.called = raw.called
        self.tensors = list(raw.tensors)
        self.damaged: list[tuple[str, str]] = []
        self.unsupported: list[tuple[str, str]] = []
        self.states: list[RawState] = []
        self.handles: dict[int, _Key] = {}
        self.initial: dict[_Key, RawTensor] = {}
        self.first_read: dict[_Key, int] = {}
        self.current: dict[_Key, int] = {}

    def visit(self, operator: RawOperator) -> list[RawOperator]:
        """What stays of `operator`."""
        where = f"node {operator.number} ({operator.kind})"
        try:
            if operator.kind == "VAR_HANDLE":
                self.handles[operator.outputs[0]] = _key(operator)
            elif operator.kind == "CALL_ONCE":
                self._call(operator, where)
            elif operator.kind == "ASSIGN_VARIABLE":
                self.current[self._variable(operator, self.handles)] = operator.inputs[1]
            elif operator.kind == "READ_VARIABLE":
                return self._read(operator)
            elif operator.kind == LSTM:
                return [self._recurrent(operator)]
            else:
                return [operator]
        except (ValueError, IndexError) as error:
            self.damaged.append((where, str(error)))
        return []

    def resources(self) -> list[RawState]:
        """The resource variables that are read before they are assigned."""
        states = []
        for key, read in self.first_read.items():
            name = "/".join(part for part in key if part) or self.tensors[read].name
            written = self.current[key]
            value = self.initial.get(key)
            if value is None:
                self.unsupported.append((f"variable '{name}'", "is read before it has a value"))
            for tensor in (value, self.tensors[written]):
                if tensor is not None and not _is_alike(tensor, self.tensors[read]):
                    what = f"holds a tensor of another shape or type than '{tensor.name}'"
                    self.unsupported.append((f"variable '{name}'", what))
                    value = None
            states.append(RawState(name, read, written, value))
        return states

    def _variable(self, operator: RawOperator, handles: Mapping[int, _Key]) -> _Key:
        if operator.inputs[0] not in handles:
            raise ValueError("its variable has no handle")
        return handles[operator.inputs[0]]

    def _call(self, operator: RawOperator, where: str) -> None:
        """Take the first values of variables from the subgraph that runs once."""
        graph: RawGraph = self.called[operator.options["InitSubgraphIndex"]]
        handles: dict[int, _Key] = {}
        for inner in graph.operators:
            if inner.kind == "VAR_HANDLE":
                handles[inner.outputs[0]] = _key(inner)
            elif inner.kind != "ASSIGN_VARIABLE":
                what = f"the subgraph that it runs once has {inner.kind}: only constants can be set"
                self.unsupported.append((where, what))
            else:
                value = graph.tensors[inner.inputs[1]]
                if value.data is None:
                    what = f"gives a variable the value of '{value.name}', which is no constant"
                    self.unsupported.append((where, what))
                self.initial[self._variable(inner, handles)] = value

    def _read(self, operator: RawOperator) -> list[RawOperator]:
        """Nothing for the first read of the old value, else a copy of what the variable holds."""
        key, out = self._variable(operator, self.handles), operator.outputs[0]
        if key in self.current:
            return [replace(operator, kind="RESHAPE", inputs=(self.current[key],))]
        self.first_read[key] = self.current[key] = out
        return []

    def _recurrent(self, operator: RawOperator) -> RawOperator:
        """The operator with its new states as outputs of their own."""
        added = []
        for at in LSTM_STATES:
            index = operator.inputs[at] if at < len(operator.inputs) else -1
            if index < 0 or self.tensors[index].special != "variable":
                raise ValueError(f"input {at} is not a variable tensor")
            old = replace(self.tensors[index], special="", data=None)
            self.tensors[index] = old
            added.append(len(self.tensors))
            self.tensors.append(replace(old, name=f"{old.name}:next"))
            self.states.append(RawState(old.name, index, added[-1], None))
        options = {**operator.options, **self._hidden(operator)}
        return replace(operator, outputs=(*operator.outputs, *added), options=options)

    def _hidden(self, operator: RawOperator) -> dict[str, float | int]:
        """Scale and zero point of an LSTM's hidden values, if the file has them."""
        between = operator.options.get("Intermediates", ())
        tensors = [self.tensors[at] for at in between[_HIDDEN : _HIDDEN + 1] if at >= 0]
        if not tensors or tensors[0].scale.size != 1 or tensors[0].zero_point.size != 1:
            return {}
        (tensor,) = tensors
        return {"HiddenScale": float(tensor.scale[0]), "HiddenZero": int(tensor.zero_point[0])}


def _key(handle: RawOperator) -> _Key:
    """Container and name of a variable."""
    parts = (handle.options.get("Container"), handle.options.get("SharedName"))
    container, name = ((part or b"").decode("utf-8", "replace") for part in parts)
    return container, name


def _is_alike(one: RawTensor, other: RawTensor) -> bool:
    return one.shape == other.shape and one.type_code == other.type_code

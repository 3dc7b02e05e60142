"""Layer by layer against an oracle: what differs, by how much, and which arithmetic explains it.

Two questions a tensor. Does it differ when everything runs from the inputs on? And does it differ
when the operator alone is given the oracle's own inputs? Only the second is the operator's doing;
the first may be inherited. Where an operator differs by itself, it is tried in the arithmetic of
every profile: those that give the oracle's bits explain the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from npusim.errors import UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.execution.layer import run_layer
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.narrow_floats import bind_operator
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import PROFILES, Profile, profile_named
from npusim.schedule.program import Program
from npusim.validate.oracles import Oracle

Arrays = Mapping[str, np.ndarray]


FLOAT32_ROUNDING = 1e-5
"""Some 80 units in the last place of float32: what sums of thousands of products can differ by."""


@dataclass(frozen=True)
class TensorAgreement:
    """One tensor that both computed, over all samples.

    `wrong` elements of `elements` differ, by at most `largest` (steps of the stored integers, or
    real values). `rounding` says that all of it is float32 within `FLOAT32_ROUNDING` of the largest
    value, which another order of additions explains. `wrong_alone` differ if the operator gets the
    oracle's inputs; then `explained_by` names the profiles that give the oracle's bits. A NaN on
    one side only counts as infinite.
    """

    name: str
    node: str
    op: str
    elements: int
    wrong: int
    largest: float
    rounding: bool
    wrong_alone: int
    explained_by: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """All tensors, in the order of the graph. `unseen` are those that the oracle does not show."""

    oracle: str
    profile: str
    samples: int
    tensors: tuple[TensorAgreement, ...]
    unseen: int

    @property
    def first(self) -> TensorAgreement | None:
        """The first tensor that differs, None if all are equal."""
        return next((tensor for tensor in self.tensors if tensor.wrong), None)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report's document."""
        first = self.first
        return {
            "oracle": self.oracle,
            "profile": self.profile,
            "samples": self.samples,
            "equal": first is None,
            "first_difference": None if first is None else first.name,
            "tensors": [asdict(tensor) for tensor in self.tensors],
            "unseen": self.unseen,
        }


def compare_to(
    oracle: Oracle, program: Program, samples: Sequence[Arrays], profile: Profile,
    kernels: Kernels, stream: bool = False,
) -> Agreement:  # fmt: skip
    """Run `program` and `oracle` on each of `samples` and compare what both computed.

    With `stream` both carry their state from one sample to the next, else both forget it.
    """
    graph = program.graph
    executor = Executor(program, profile, kernels)
    names = [name for node in graph.nodes for name in node.outputs]
    tallies: dict[str, _Tally] = {}
    state = _initial(graph)
    for inputs in samples:
        if not stream:
            oracle.reset()
            state = _initial(graph)
        theirs = oracle.run(inputs)
        kept = executor.run(inputs, keep=(*names, *graph.results), state=state)
        ours = {**inputs, **{each.read: state[each.name] for each in graph.states}, **kept}
        state = {each.name: kept[each.written] for each in graph.states}
        for node in graph.nodes:
            for name in node.outputs:
                if name in theirs and theirs[name].shape == ours[name].shape:
                    tally = tallies.setdefault(name, _Tally(node))
                    tally.add(graph, name, ours, theirs, profile, kernels)
    found = tuple(tally.result(name) for name, tally in tallies.items())
    return Agreement(oracle.title, profile.name, len(samples), found, len(names) - len(found))


def _initial(graph: Graph) -> dict[str, np.ndarray]:
    return {each.name: each.initial for each in graph.states}


@dataclass
class _Tally:
    """Counts of one tensor over the samples."""

    node: Node
    elements: int = 0
    wrong: int = 0
    largest: float = 0.0
    rounding: bool = True
    wrong_alone: int = 0
    explained_by: set[str] = field(default_factory=lambda: set(PROFILES))

    def add(
        self, graph: Graph, name: str, ours: Arrays, theirs: Arrays, profile: Profile,
        kernels: Kernels,
    ) -> None:  # fmt: skip
        expected = theirs[name]
        self.elements += expected.size
        wrong, largest = _difference(ours[name], expected)
        self.wrong += wrong
        self.largest = max(self.largest, largest)
        self.rounding &= _is_rounding(expected, largest)
        if not wrong:
            return
        given = {**ours, **theirs}
        alone = _alone(graph, self.node, name, given, profile, kernels)
        self.wrong_alone += wrong if alone is None else _difference(alone, expected)[0]
        if self.wrong_alone:
            for other in tuple(self.explained_by):
                tried = _alone(graph, self.node, name, given, profile_named(other), kernels)
                if tried is None or _difference(tried, expected)[0]:
                    self.explained_by.discard(other)

    def result(self, name: str) -> TensorAgreement:
        explained = tuple(sorted(self.explained_by)) if self.wrong_alone else ()
        return TensorAgreement(
            name, self.node.name, self.node.op.kind, self.elements, self.wrong, self.largest,
            self.rounding and self.wrong > 0, self.wrong_alone, explained,
        )  # fmt: skip


def _difference(found: np.ndarray, expected: np.ndarray) -> tuple[int, float]:
    """How many elements differ, and by how much at most; two NaNs are equal."""
    differs = found != expected
    if found.dtype.kind == "f":
        differs &= ~(np.isnan(found) & np.isnan(expected))
    wrong = int(differs.sum())
    if not wrong:
        return 0, 0.0
    distance = np.abs(found[differs].astype(np.float64) - expected[differs].astype(np.float64))
    return wrong, float(np.nan_to_num(distance, nan=np.inf, posinf=np.inf).max())


def _is_rounding(expected: np.ndarray, largest: float) -> bool:
    """True if a difference of `largest` is small beside the largest of `expected`, in float32."""
    if expected.dtype != np.float32:
        return largest == 0
    most = float(np.nan_to_num(np.abs(expected), posinf=0.0).max(initial=0.0))
    return largest <= FLOAT32_ROUNDING * most


def _alone(
    graph: Graph, node: Node, name: str, given: Arrays,
    profile: Profile, kernels: Kernels,
) -> np.ndarray | None:  # fmt: skip
    """Output `name` of `node` for these inputs under `profile`; None if it can't be computed."""
    ins, outs = graph.operands(node)
    arrays: list[Any] = []
    for tensor in ins:
        if tensor is None:
            arrays.append(None)
        elif tensor.data is not None:
            arrays.append(tensor.data)
        else:
            array = empty_like_memory(tensor.shape, tensor.format.dtype, tensor.channel_axis)
            array[...] = given[tensor.name]
            arrays.append(array)
    results = [empty_like_memory(out.shape, out.format.dtype, out.channel_axis) for out in outs]
    try:
        kernel = bind_operator(node.op, ins, outs, profile, kernels)
    except UnsupportedModelError:
        return None
    run_layer(kernel, node.op.loop_nest(ins, outs).whole, arrays, results)
    return results[node.outputs.index(name)]

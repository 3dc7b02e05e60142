"""Runs a Program's tiles through the kernels: the bits that the described hardware produces.

Two ways, with the same bits. `by_tiles` consumes the job records one by one, exactly those that
timing counts: partial sums tile by tile, each output tile drained when its last reduction tile is
done; what a framework computes through float32 has no partial sums and is computed when its tile is
drained. Otherwise every operator runs at once, which is allowed because a wrapping integer sum does
not depend on its order and every other kernel computes each output on its own; sums that saturate
or round are made in the Program's tiles of the reduction. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.execution.arrays import check_inputs, check_state
from npusim.execution.bindings import bound_once
from npusim.execution.layer import accumulators, run_layer, run_tile
from npusim.ir.loopnest import Tile
from npusim.ir.operator import ArrayKernel, VectorKernel
from npusim.ir.ops.narrow_floats import bind_operator
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.schedule.program import Program, Step
from npusim.schedule.tables import ARRAY, COMPUTE, JOB_KINDS, LOAD, POST, STORE

Observer = Callable[[str, int, Tile], None]
"""Told of each executed job: kind, step number, tile."""

Values = dict[str, np.ndarray]


class Executor:
    """A Program bound to a requantization profile and a path of kernels; runs any number of inputs.

    Raises UnsupportedModelError, listing every node, if a kernel does not take its tensors.
    """

    def __init__(self, program: Program, profile: Profile, kernels: Kernels) -> None:
        graph = program.graph
        if graph.weightless:
            what = "a layer table has no weights: it can be counted, not executed"
            raise UnsupportedModelError(Problem(graph.name, what))
        if graph.counted_only:
            raise UnsupportedModelError(Problem(graph.name, graph.counted_only))
        self._program = program
        self._bound = bound_once(program, profile, kernels, _bind_all)
        self._last_reader = _last_readers(program)
        ordered = any(getattr(kernel, "is_ordered", False) for kernel in self._bound)
        self._by_stripes = ordered and any(step.whole for step in program.steps)

    @property
    def ordered(self) -> frozenset[tuple[str, ...]]:
        """Outputs of the operators whose sums depend on how the reduction is cut into tiles."""
        return frozenset(
            step.node.outputs
            for step, kernel in zip(self._program.steps, self._bound, strict=True)
            if getattr(kernel, "is_ordered", False)
        )

    def run(
        self,
        inputs: Mapping[str, np.ndarray],
        by_tiles: bool = False,
        keep: Collection[str] = (),
        observer: Observer | None = None,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> Values:
        """Outputs of the graph for `inputs`, and the tensors named in `keep`, by name.

        Arrays have the shapes and dtypes of the model's own tensors; UsageError otherwise. `state`
        holds the graph's states by name; None takes their initial values.
        """
        graph = self._program.graph
        values = {
            tensor.name: tensor.data for tensor in graph.constants() if tensor.data is not None
        }
        values.update(check_inputs(graph, inputs))
        values.update(check_state(graph, state))
        wanted = {*graph.outputs, *keep}
        if by_tiles:
            self._run_tiles(values, observer)
        else:
            self._run_layers(values, wanted)
        return {  # a scalar stays one: ascontiguousarray gives it an axis
            name: np.ascontiguousarray(values[name]).reshape(values[name].shape) for name in wanted
        }

    def advance(
        self, inputs: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray] | None = None
    ) -> tuple[Values, Values]:
        """(outputs, the state that the next inference starts from); see `run`."""
        graph = self._program.graph
        kept = self.run(inputs, keep=graph.results, state=state)
        new_state = {each.name: kept[each.written] for each in graph.states}
        return {name: kept[name] for name in graph.outputs}, new_state

    def _run_layers(self, values: Values, wanted: Collection[str]) -> None:
        for at, step in enumerate(self._program.steps):
            if step.whole is None or step.first_row == 0 or self._by_stripes:
                ins, outs = self._arrays(step, values)
                self._run_step(at, step, ins, outs)
            for name in step.node.inputs:
                if self._last_reader.get(name) == at and name not in wanted:
                    values.pop(name, None)

    def _run_step(
        self, at: int, step: Step, ins: Sequence[np.ndarray], outs: Sequence[np.ndarray]
    ) -> None:
        """A step at once. Its first stripe runs the whole operator, unless stripes matter."""
        kernel, reduction = self._bound[at], self._reduction(at)
        if step.whole is None or not self._by_stripes:
            whole = step.in_operator(step.nest.whole) if step.whole is None else step.whole.whole
            run_layer(kernel, whole, ins, outs, reduction)
            return
        rows = step.in_operator(step.nest.whole)
        if reduction:
            run_layer(kernel, rows, ins, outs, reduction)
        else:
            run_tile(kernel, ins, outs, rows)

    def _reduction(self, at: int) -> int:
        """Input channels whose products a step sums at once; 0 if that cannot change a bit."""
        ordered = getattr(self._bound[at], "is_ordered", False)
        return int(self._program.table[at]["tile_c"]) if ordered else 0

    def _run_tiles(self, values: Values, observer: Observer | None) -> None:
        steps = self._program.steps
        acc: dict[tuple[int, ...], np.ndarray] = {}
        for block in self._program.jobs():
            for job in block:
                at, kind = int(job["step"]), int(job["kind"])
                step = steps[at]
                tile = step.in_operator(Tile(*job["bounds"].tolist()))
                if observer is not None:
                    observer(JOB_KINDS[kind], at, tile)
                if kind in (LOAD, STORE) or JOB_KINDS[kind] == "dispatch":
                    continue
                ins, outs = self._arrays(step, values)
                kernel, key = self._bound[at], _output_key(at, tile)
                if kind == COMPUTE and step.unit == ARRAY:
                    if isinstance(kernel, ArrayKernel):
                        kernel.accumulate(
                            ins, acc.setdefault(key, accumulators(kernel, tile)), tile
                        )
                elif kind == POST and isinstance(kernel, ArrayKernel):
                    kernel.drain(acc.pop(key), outs[0], tile)
                else:
                    run_tile(kernel, ins, outs, tile)

    def _arrays(self, step: Step, values: Values) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Arrays of a step's tensors; outputs are made when they are first asked for."""
        graph = self._program.graph
        for name in step.node.outputs:
            if name not in values:
                out = graph.tensors[name]
                values[name] = empty_like_memory(out.shape, out.format.dtype, out.channel_axis)
        ins = [values[name] if name else None for name in step.node.inputs]
        return ins, [values[name] for name in step.node.outputs]  # type: ignore[return-value]


def execute(
    program: Program, inputs: Mapping[str, np.ndarray], profile: Profile, kernels: Kernels
) -> Values:
    """Outputs of `program` for one set of inputs; see `Executor.run`."""
    return Executor(program, profile, kernels).run(inputs)


def _bind_all(
    program: Program, profile: Profile, kernels: Sequence[Kernels]
) -> list[ArrayKernel | VectorKernel]:
    """The kernel of each step, from the kernels of its unit."""
    bound: list[ArrayKernel | VectorKernel] = []
    problems: list[Problem] = []
    for step, own in zip(program.steps, kernels, strict=True):
        ins, outs = program.graph.operands(step.node)
        try:
            bound.append(bind_operator(step.node.op, ins, outs, profile, own))
        except UnsupportedModelError as error:
            problems += [Problem(f"node '{step.name}'", str(one)) for one in error.problems]
    if problems:
        raise UnsupportedModelError(problems)
    return bound


def _last_readers(program: Program) -> dict[str, int]:
    """The last step that reads each computed tensor."""
    return {
        name: at
        for at, step in enumerate(program.steps)
        for name in step.node.inputs
        if name and not program.graph.tensors[name].is_constant
    }


def _output_key(at: int, tile: Tile) -> tuple[int, ...]:
    return (at, tile.b0, tile.g0, tile.k0, tile.y0, tile.x0)

"""The arrays that a user gives: checked against the model's inputs before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npusim.errors import Problem, UsageError, nearest_name
from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.ir.views import empty_like_memory


def check_inputs(graph: Graph, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`given` under the graph's input names, in the memory order that kernels expect.

    For a graph with one input any one name will do. UsageError lists every missing or unknown name
    and every wrong shape or dtype.
    """
    if len(graph.inputs) == 1 and len(given) == 1:
        given = {graph.inputs[0]: next(iter(given.values()))}
    problems = [
        Problem(f"input '{name}'", f"unknown{nearest_name(name, graph.inputs)}; {_expected(graph)}")
        for name in given
        if name not in graph.inputs
    ]
    arrays = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        if name not in given:
            problems.append(Problem(f"input '{name}'", f"missing; {_expected(graph)}"))
            continue
        array = np.asarray(given[name])
        problem = _mismatch(tensor, array)
        if problem:
            problems.append(problem)
        else:
            arrays[name] = _in_memory_order(tensor, array)
    if problems:
        raise UsageError(problems)
    return arrays


def _mismatch(tensor: Tensor, array: np.ndarray) -> Problem | None:
    where = f"input '{tensor.name}'"
    if array.dtype != np.dtype(tensor.format.dtype):
        return Problem(where, f"dtype is {array.dtype}, expected {tensor.format.dtype}")
    if array.shape != tensor.shape:
        return Problem(where, f"shape is {array.shape}, expected {tensor.shape}")
    return None


def _in_memory_order(tensor: Tensor, array: np.ndarray) -> np.ndarray:
    ordered = empty_like_memory(tensor.shape, tensor.format.dtype, tensor.channel_axis)
    ordered[...] = array
    return ordered


def _expected(graph: Graph) -> str:
    described = (
        f"'{t.name}' {t.format.dtype} {t.shape}" for t in (graph.tensors[n] for n in graph.inputs)
    )
    return "the model takes " + ", ".join(described)

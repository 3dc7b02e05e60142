"""The arrays that a user gives: checked against the model's inputs before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npusim.errors import Problem, UsageError, nearest_name
from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.ir.views import empty_like_memory
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, INT4, UINT4, Format

OTHER_DTYPES = {
    FP8_E4M3.name: "float8_e4m3fn", FP8_E5M2.name: "float8_e5m2", BF16.name: "bfloat16",
    INT4.name: "int4", UINT4.name: "uint4",
}  # fmt: skip
"""What ml_dtypes, and so the onnx package, calls the formats that numpy has no type for."""


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
        array = as_stored(np.asarray(given[name]), tensor.format)
        problem = _mismatch(tensor, array, f"input '{name}'")
        if problem:
            problems.append(problem)
        else:
            arrays[name] = _in_memory_order(tensor, array)
    if problems:
        raise UsageError(problems)
    return arrays


def check_state(graph: Graph, given: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    """The values of the tensors that hold states, from `given` by the states' names.

    None gives the initial values. UsageError as for `check_inputs`.
    """
    if given is None:
        given = {state.name: state.initial for state in graph.states}
    names = [state.name for state in graph.states]
    problems = [
        Problem(f"state '{name}'", f"unknown{nearest_name(name, names)}")
        for name in given
        if name not in names
    ]
    arrays = {}
    for state in graph.states:
        if state.name not in given:
            problems.append(Problem(f"state '{state.name}'", "missing"))
            continue
        array = as_stored(np.asarray(given[state.name]), graph.tensors[state.read].format)
        problem = _mismatch(graph.tensors[state.read], array, f"state '{state.name}'")
        if problem:
            problems.append(problem)
        else:
            arrays[state.read] = _in_memory_order(graph.tensors[state.read], array)
    if problems:
        raise UsageError(problems)
    return arrays


def as_stored(array: np.ndarray, fmt: Format) -> np.ndarray:
    """An array of the type that ml_dtypes has for `fmt` as npusim holds it; others as they are."""
    if array.dtype.name != OTHER_DTYPES.get(fmt.name):
        return array
    return array.view(fmt.dtype) if fmt.holds_codes else array.astype(fmt.dtype)


def _mismatch(tensor: Tensor, array: np.ndarray, where: str) -> Problem | None:
    if array.dtype != np.dtype(tensor.format.dtype):
        return Problem(where, f"dtype is {array.dtype}, expected {tensor.format.dtype}")
    if array.shape != tensor.shape:
        return Problem(where, f"shape is {array.shape}, expected {tensor.shape}")
    fmt = tensor.format
    if fmt.bits < 8 and array.size and not fmt.low <= array.min() <= array.max() <= fmt.high:
        span = f"{fmt.name} spans {fmt.low} to {fmt.high}"
        return Problem(where, f"values are {array.min()} to {array.max()}, {span}")
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

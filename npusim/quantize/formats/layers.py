"""The data of a float model's layers: their weights, and what they read in inferences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from npusim import api
from npusim.errors import Problem, UnsupportedModelError, UsageError
from npusim.execution.executor import Executor
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.tensor import Tensor
from npusim.kernels.table import kernels
from npusim.numerics.floats import decode

PRODUCTS = (Conv2D, FullyConnected, MatMul, TransposedConv2D)
"""Operators that are layers here."""
LEAST_FLOAT_BITS = 16
"""Floats narrower than it are quantized already."""
HARDWARE = "edge-npu-1"
"""Its host computes float32 layers as every host does: no result depends on the choice."""
MOST_VALUES = 1 << 20
"""Of a tensor over all inferences; of more, so many are drawn (seed 0)."""


@dataclass(frozen=True, eq=False)
class Weights:
    """float64 [channels, values] of a layer: a row holds what one output channel sums over."""

    layer: str
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Found:
    """Weights in the order of the graph, and notes on what was left out."""

    weights: tuple[Weights, ...]
    notes: tuple[str, ...]


def float_weights(graph: Graph) -> Found:
    """The float weights of all layers that are products, each constant once.

    UnsupportedModelError if there are none, or they are quantized already; UsageError lists
    weights that are not finite.
    """
    found, problems, stored, other = [], [], [], []
    seen: set[str] = set()
    for node in graph.nodes:
        for name, tensor in _parameters(graph, node):
            if name in seen:
                continue
            seen.add(name)
            if not isinstance(node.op, PRODUCTS):
                other.append(f"{node.name} ({node.op.kind})")
            elif not _is_float(tensor):
                stored.append(f"{node.name} ({tensor.format.name})")
            else:
                rows = _rows(node, tensor)
                if np.isfinite(rows).all():
                    found.append(Weights(node.name, rows))
                else:
                    problems.append(Problem(f"node '{node.name}'", "weights are not finite"))
    if problems:
        raise UsageError(problems)
    if not found:
        raise UnsupportedModelError(Problem(graph.name, _why_none(graph, stored)))
    notes = [
        f"{len(names)} left out, {why}: {_listed(names)}"
        for names, why in ((stored, "quantized already"), (other, "no products"))
        if names
    ]
    return Found(tuple(found), tuple(notes))


def layer_inputs(model: api.Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the products of `model` read in the inferences of `inputs`: float64 [n], by layer.

    Only floats that are computed, each tensor once, under the name of its first reader. UsageError
    lists tensors with values that are not finite.
    """
    _require_finite("input", inputs)
    program = api.schedule(model, HARDWARE)
    graph = program.graph
    readers = _readers(graph)
    executor = Executor(program, api.choose_profile(None, program.hardware, graph), kernels())
    runs = list(api.inferences(graph, inputs))
    draw, most = np.random.default_rng(0), max(1, MOST_VALUES // len(runs))
    parts: dict[str, list[np.ndarray]] = {name: [] for name in readers}
    for arrays in runs:
        with np.errstate(over="ignore", invalid="ignore"):
            computed = executor.run(arrays, keep=[name for name in readers if name not in arrays])
        kept = {**arrays, **computed}
        for name in readers:
            values = decode(kept[name], graph.tensors[name].format).reshape(-1)
            if values.size > most:
                values = values[draw.choice(values.size, most, replace=False, shuffle=False)]
            parts[name].append(values)
    found = {readers[name]: np.concatenate(each) for name, each in parts.items()}
    _require_finite("what a node reads:", found)
    return {name: values.astype(np.float64) for name, values in found.items()}


def blocks_of(rows: np.ndarray, block: int) -> np.ndarray:
    """[channels * ceil(values / block), block]: each row cut; the last block is filled with zeros.

    Zeros lose nothing on any grid and move no range.
    """
    missing = -rows.shape[1] % block
    return np.pad(rows, ((0, 0), (0, missing))).reshape(-1, block)


def _require_finite(what: str, arrays: Mapping[str, np.ndarray]) -> None:
    """UsageError listing the arrays with values that are not finite."""
    wrong = [name for name, values in arrays.items() if not np.isfinite(values).all()]
    if wrong:
        said = "some values are not finite"
        raise UsageError(Problem(f"{what} '{name}'", said) for name in wrong)


def _parameters(graph: Graph, node: Node) -> list[tuple[str, Tensor]]:
    """Constants of `node` with at least two axes: weights, not biases."""
    names = [name for name in node.inputs if name]
    tensors = [(name, graph.tensors[name]) for name in names]
    return [(name, each) for name, each in tensors if each.is_constant and len(each.shape) > 1]


def _rows(node: Node, tensor: Tensor) -> np.ndarray:
    """Weights with output channels first, whatever the operator's order."""
    assert tensor.data is not None
    values = decode(tensor.data, tensor.format).astype(np.float64)
    if isinstance(node.op, MatMul):
        is_left = node.inputs.index(tensor.name) == 0
        inner_last = is_left != (node.op.transpose_a if is_left else node.op.transpose_b)
        values = np.moveaxis(values, -2 if inner_last else -1, 0)
    return values.reshape(values.shape[0], -1)


def _readers(graph: Graph) -> dict[str, str]:
    """For each computed float tensor that a product reads: the name of the first such node."""
    readers: dict[str, str] = {}
    for node in graph.nodes:
        if isinstance(node.op, PRODUCTS):
            for name in node.inputs[:2]:
                tensor = graph.tensors[name]
                if not tensor.is_constant and _is_float(tensor):
                    readers.setdefault(name, node.name)
    return readers


def _is_float(tensor: Tensor) -> bool:
    return tensor.format.is_float and tensor.format.bits >= LEAST_FLOAT_BITS


def _why_none(graph: Graph, stored: list[str]) -> str:
    if graph.weightless:
        return "a layer table has no weights"
    if stored:
        return (
            "its weights are quantized already, and what they lost can't be seen: give the float "
            f"model ({_listed(stored)})"
        )
    return "no convolution and no matrix product has constant weights"


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more

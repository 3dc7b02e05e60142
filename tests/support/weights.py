"""Random constants for graphs that were built with zeros, and random inputs for them."""

from __future__ import annotations

import dataclasses

import numpy as np

from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.schedule.program import Program


def with_random_constants(program: Program, seed: int) -> Program:
    """`program` over the same graph with random weights and biases."""
    rng = np.random.default_rng(seed)
    graph = program.graph
    tensors = {name: _filled(tensor, rng) for name, tensor in graph.tensors.items()}
    return dataclasses.replace(program, graph=dataclasses.replace(graph, tensors=tensors))


def random_inputs(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """Full-range integers for every input of `graph`."""
    rng = np.random.default_rng(seed)
    return {name: _integers(graph.tensors[name], rng) for name in graph.inputs}


def _filled(tensor: Tensor, rng: np.random.Generator) -> Tensor:
    if tensor.data is None:
        return tensor
    return dataclasses.replace(tensor, data=_integers(tensor, rng))


def _integers(tensor: Tensor, rng: np.random.Generator) -> np.ndarray:
    low, high = max(tensor.format.low, -5000), min(tensor.format.high, 5000)
    return rng.integers(low, high, tensor.shape, endpoint=True).astype(tensor.format.dtype)

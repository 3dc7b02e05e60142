"""Graphs of floating-point tensors: the random integer graphs with their tensors replaced."""

from __future__ import annotations

import dataclasses

import numpy as np

from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import LAYOUTS, encode
from npusim.numerics.formats import FP32, INT32, Format
from npusim.numerics.quantization import Quantization


def as_floats(graph: Graph, fmt: Format, seed: int) -> Graph:
    """`graph` with every tensor in `fmt` and random constants; 8-bit ones have a scale, and biases
    in float32 beside them."""
    rng = np.random.default_rng(seed)

    def seen(tensor: Tensor) -> Tensor:
        biased = tensor.format == INT32 and fmt.bits == 8
        chosen = FP32 if biased else fmt
        scaled = fmt.bits == 8 and not biased
        quantization = (
            Quantization.per_tensor(0.125 * 2.0 ** rng.integers(-3, 3)) if scaled else None
        )
        data = None if tensor.data is None else random_floats(tensor.shape, chosen, rng)
        return dataclasses.replace(tensor, format=chosen, quantization=quantization, data=data)

    tensors = {name: seen(tensor) for name, tensor in graph.tensors.items()}
    return dataclasses.replace(graph, tensors=tensors)


def random_floats(shape: tuple[int, ...], fmt: Format, rng: np.random.Generator) -> np.ndarray:
    """Stored numbers of many magnitudes, zeros and subnormals among them."""
    exponents = rng.integers(max(LAYOUTS[fmt.name].least_exponent, -24) - 2, 6, shape)
    values = rng.normal(size=shape) * np.where(rng.random(shape) < 0.1, 0.0, 2.0**exponents)
    return encode(values, fmt, saturate=True)


def float_inputs(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """Random stored numbers for every input."""
    rng = np.random.default_rng(seed)
    return {
        name: random_floats(graph.tensors[name].shape, graph.tensors[name].format, rng)
        for name in graph.inputs
    }

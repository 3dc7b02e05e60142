"""A quantized graph beside the float one that it was made from, by executing both.

SQNR = 10 log10(sum of squares of the float values / sum of squares of the differences), in dB. Of
a layer it is stated twice: as the values arrive in the quantized run, with the errors of all layers
before it, and `alone`, with the float run's own values as its inputs. The layers with the lowest
SQNR alone are those that hurt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import decode, encode
from npusim.numerics.formats import FP32
from npusim.quantize.grids import bounds_of, stored_of
from npusim.quantize.running import Arrays, Runner


@dataclass(eq=False)
class Noise:
    """Sums of squares of float values and of differences; add to it sample by sample."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, expected: np.ndarray, found: np.ndarray) -> None:
        """One sample of a tensor."""
        wanted = expected.astype(np.float64)
        self.signal += float((wanted**2).sum())
        self.noise += float(((found - wanted) ** 2).sum())

    @property
    def sqnr_db(self) -> float:
        """inf without any difference, -inf where there is no signal."""
        if self.noise == 0.0:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal else -math.inf


@dataclass(frozen=True)
class LayerNoise:
    """What a layer of the quantized graph does to its output.

    `alone_db` is nan for a layer that became several nodes.
    """

    name: str
    op: str
    sqnr_db: float
    alone_db: float
    saturated: float
    """Share of the float values that its output's grid does not hold."""


class Reference:
    """The float run of `samples`, made once; any number of quantized graphs are judged by it.

    `graph` is the float graph. Only its outputs are kept.
    """

    def __init__(self, graph: Graph, samples: Sequence[Arrays]) -> None:
        self.runner = Runner(graph)
        self.samples = tuple(samples)
        self.outputs = self.runner.outputs(self.samples)

    def outputs_of(self, quantized: Graph) -> dict[str, np.ndarray]:
        """Real outputs of `quantized` for the same samples."""
        found = Runner(quantized).outputs(self.samples)
        return {name: real_of(array, quantized.tensors[name]) for name, array in found.items()}

    def sqnr_db(self, quantized: Graph) -> float:
        """SQNR of all outputs together."""
        return sqnr_between(self.outputs, self.outputs_of(quantized))

    def layers(self, quantized: Graph) -> list[LayerNoise]:
        """Noise of every layer that both graphs have, in order."""
        return layer_noises(self.runner.graph, quantized, self.samples)


def layer_noises(exact: Graph, quantized: Graph, samples: Iterable[Arrays]) -> list[LayerNoise]:
    """Noise of every layer of `quantized` that the float graph `exact` has too, in order."""
    return _Lockstep(Runner(exact), Runner(quantized)).over(samples)


def sqnr_between(expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]) -> float:
    """SQNR of arrays by name, all together, in dB."""
    noise = Noise()
    for name, array in expected.items():
        noise.add(array, found[name])
    return noise.sqnr_db


def agreement_between(
    expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray], samples: int
) -> float | None:
    """Share of samples whose largest first output is at the same place; None for single numbers."""
    name = next(iter(expected))
    first, second = (one[name].reshape(samples, -1) for one in (expected, found))
    if first.shape[1] < 2:
        return None
    return float((first.argmax(axis=1) == second.argmax(axis=1)).mean())


def real_of(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """float32 values of `array`, which holds `tensor` as it is stored."""
    grid = tensor.quantization
    is_short = tensor.format.is_integer and tensor.format.bits <= 16
    if is_short and grid is not None and grid.is_per_tensor:  # exact in float32, and cheap
        real: np.ndarray = array.astype(np.float32) - np.float32(grid.scalar_zero_point)
        real *= grid.scalar_scale
        return real
    if grid is not None:
        return grid.real(array, tensor.format)
    return decode(array, tensor.format) if tensor.format.is_float else array


def _stored(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """float32 values as `tensor` stores them."""
    if tensor.quantization is not None:
        return stored_of(array, tensor.quantization, tensor.format)
    if tensor.format.is_float and tensor.format != FP32:
        return encode(array, tensor.format)
    return array


@dataclass(eq=False)
class _Lockstep:
    """Both runs of a sample at once, node by node of the quantized graph."""

    exact: Runner
    quantized: Runner
    own: dict[str, Noise] = field(default_factory=dict)
    alone: dict[str, Noise] = field(default_factory=dict)
    beyond: dict[str, list[int]] = field(default_factory=dict)

    def over(self, samples: Iterable[Arrays]) -> list[LayerNoise]:
        pairs = list(self._pairs())
        for sample in samples:
            exact = dict(self.exact.values(sample))
            for name, array in self.quantized.values(sample):
                if name in self._writers:
                    self._add(self._writers[name], exact, array)
        return [self._noise(*pair) for pair in pairs]

    def _pairs(self) -> Iterator[tuple[Node, Node]]:
        """Nodes of the float graph and of the quantized one that compute the same tensor."""
        known = {node.name: node for node in self.exact.graph.nodes}
        self._writers: dict[str, tuple[Node, Node]] = {}
        for node in self.quantized.graph.nodes:
            first = known.get(node.name)
            if first is not None and not node.op.moves:
                self._writers[node.outputs[0]] = first, node
                yield first, node

    def _add(
        self, pair: tuple[Node, Node], exact: Mapping[str, np.ndarray], array: np.ndarray
    ) -> None:
        first, node = pair
        tensors = self.quantized.graph.tensors
        out, expected = tensors[node.outputs[0]], exact[first.outputs[0]]
        self.own.setdefault(node.name, Noise()).add(expected, real_of(array, out))
        if first.op.kind == node.op.kind:
            self._add_alone(pair, exact)
        self._count_beyond(node, expected, out)

    def _add_alone(self, pair: tuple[Node, Node], exact: Mapping[str, np.ndarray]) -> None:
        first, node = pair
        tensors = self.quantized.graph.tensors
        out, expected = tensors[node.outputs[0]], exact[first.outputs[0]]
        inputs = {
            name: _stored(exact[own], tensors[name])
            for own, name in zip(first.inputs, node.inputs, strict=False)
            if own in exact
        }
        (found, *_) = self.quantized.run_node(node, inputs)
        self.alone.setdefault(node.name, Noise()).add(expected, real_of(found, out))

    def _count_beyond(self, node: Node, expected: np.ndarray, out: Tensor) -> None:
        if out.quantization is not None:
            low, high = bounds_of(out.quantization, out.format)
            half = float(out.quantization.scalar_scale) / 2 if out.format.is_integer else 0.0
            outside = (expected < low - half) | (expected > high + half)
            count = self.beyond.setdefault(node.name, [0, 0])
            count[0] += int(outside.sum())
            count[1] += expected.size

    def _noise(self, first: Node, node: Node) -> LayerNoise:
        beyond, all_of = self.beyond.get(node.name, [0, 1])
        own = self.own[node.name].sqnr_db
        alone = self.alone[node.name].sqnr_db if node.name in self.alone else math.nan
        return LayerNoise(node.name, first.op.kind, own, alone, beyond / all_of)

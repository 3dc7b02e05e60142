"""Cross-layer equalization: ranges of weights per channel made alike over neighbouring layers.

Where layer B alone reads layer A through nothing but a ReLU, channel i can be divided by s_i in A
and multiplied by s_i in B without changing what the network computes. With r1_i and r2_i the
greatest magnitudes of the channel's weights in A and in B, s_i = sqrt(r1_i / r2_i) makes both
sqrt(r1_i r2_i). Pairs share layers, so all of them are taken in turn until little changes.

Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV
2019, equations 9 and 12 of section 4.1.

A ReLU6 lets a scale through only where the channel stays below 6 before and after. There the paper
replaces it by a ReLU, which ruins networks that were trained with values beyond 6. Here the
samples say how far each channel reaches: one that comes close to 6 keeps its scale, any other may
grow as long as it stays below 6 by a margin. So the network is the same on values like those that
were seen, and where no ReLU6 is, on all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.passes.rewrite import only_reader
from npusim.ir.tensor import Tensor
from npusim.numerics.quantization import Activation
from npusim.quantize.placement import has_constant_weights
from npusim.quantize.running import Arrays, Runner

MOST_ROUNDS = 40
ENOUGH = 1e-3
"""Rounds end when no factor of a round is further than this from 1."""
MARGIN = 1.25
"""How much further than on the samples a channel may reach on other inputs."""
SIX = 6.0
_PASSING = (Activation.NONE, Activation.RELU, Activation.RELU6)
_KINDS = ("conv2d", "fully_connected")


@dataclass(frozen=True)
class Equalized:
    """The equalized graph, how many pairs of layers it has, and how many of them pass a ReLU6."""

    graph: Graph
    pairs: int
    behind_relu6: int


def equalized(graph: Graph, samples: Iterable[Arrays]) -> Equalized:
    """`graph`, a float one, with its weights equalized; see the module's docstring.

    `samples` are run only if there is a ReLU6 to pass.
    """
    pairs = _pairs(graph)
    clamped = {first.name: first for first, _ in pairs if _is_relu6(first)}
    peaks = _peaks(graph, clamped, samples) if clamped else {}
    tensors = dict(_own_constants(graph, pairs))
    for _ in range(MOST_ROUNDS):
        furthest = max((_equalize(tensors, *pair, peaks) for pair in pairs), default=0.0)
        if furthest < ENOUGH:
            break
    for name, tensor in tensors.items():
        if tensor.data is not None and tensor.data.dtype == np.float64:
            tensors[name] = replace(tensor, data=tensor.data.astype(np.float32))
    return Equalized(replace(graph, tensors=tensors), len(pairs), len(clamped))


def _is_relu6(node: Node) -> bool:
    return getattr(node.op, "activation", None) is Activation.RELU6


def _peaks(
    graph: Graph, layers: dict[str, Node], samples: Iterable[Arrays]
) -> dict[str, np.ndarray]:
    """float64 [channels] for each layer: the greatest output of each channel over `samples`."""
    runner = Runner(graph)
    watched = {node.outputs[0]: node for node in layers.values()}
    peaks: dict[str, np.ndarray] = {}
    for sample in samples:
        for name, values in runner.values(sample):
            if name in watched:
                node = watched[name]
                axis = getattr(node.op, "channel_axis", -1) % values.ndim
                others = tuple(at for at in range(values.ndim) if at != axis)
                found = values.max(axis=others).astype(np.float64)
                peaks[node.name] = np.maximum(peaks.get(node.name, 0.0), found)
    return peaks


def _within_six(factor: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """Factors that let no channel come nearer to 6 than `MARGIN`; 1 for those that are near it.

    None is above 1: the grid behind a ReLU6 reaches to 6 anyway, and a smaller channel would have
    fewer of its steps.
    """
    reach = MARGIN * peak / SIX
    return np.where(reach >= 1.0, 1.0, np.clip(factor, reach, 1.0))


def _pairs(graph: Graph) -> list[tuple[Node, Node]]:
    """Neighbouring layers with one weight tensor each, in order."""
    readers = graph.consumers()
    found = []
    for node in graph.nodes:
        after = only_reader(graph, node.outputs[0], readers)
        layers = [each for each in (node, after) if each and _is_layer(graph, each, readers)]
        if after is None or len(layers) < 2:
            continue
        if getattr(node.op, "activation", None) in _PASSING and after.inputs[0] == node.outputs[0]:
            found.append((node, after))
    return found


def _is_layer(graph: Graph, node: Node, readers: dict[str, list[Node]]) -> bool:
    """True for a layer whose weights and bias no other node reads."""
    own = all(len(readers[name]) == 1 for name in node.inputs[1:] if name)
    return node.op.kind in _KINDS and has_constant_weights(graph, node) and own


def _own_constants(graph: Graph, pairs: list[tuple[Node, Node]]) -> dict[str, Tensor]:
    """The tensors of `graph`; weights and biases of `pairs` in float64, to be rounded once."""
    tensors = dict(graph.tensors)
    for pair in pairs:
        for node in pair:
            for name in filter(None, node.inputs[1:3]):
                data = tensors[name].data
                assert data is not None
                tensors[name] = replace(tensors[name], data=data.astype(np.float64))
    return tensors


def _equalize(
    tensors: dict[str, Tensor], first: Node, second: Node, peaks: dict[str, np.ndarray]
) -> float:
    """Equalize one pair in place; how far the furthest factor is from 1.

    `peaks` says how far the channels reach of layers with a ReLU6, and is kept up to date.
    """
    before, after = (_data(tensors, node.inputs[1]) for node in (first, second))
    channels = len(before)
    size_before = np.abs(before.reshape(channels, -1)).max(axis=1)
    columns = _by_input(after, second, channels)
    size_after = np.abs(columns).max(axis=1)
    usable = (size_before > 0) & (size_after > 0)
    factor = np.ones(channels)
    factor[usable] = np.sqrt(size_before[usable] / size_after[usable])
    if first.name in peaks:
        factor = _within_six(factor, peaks[first.name])
        peaks[first.name] = peaks[first.name] / factor
    before /= factor.reshape(-1, *[1] * (before.ndim - 1))
    if len(first.inputs) > 2 and first.inputs[2]:
        bias = _data(tensors, first.inputs[2])
        bias /= factor.reshape(bias.shape)
    columns *= factor[:, None]
    after[...] = _from_input(columns, second, after.shape)
    return float(np.abs(factor - 1).max())


def _data(tensors: dict[str, Tensor], name: str) -> np.ndarray:
    data = tensors[name].data
    assert data is not None
    return data


def _by_input(weights: np.ndarray, node: Node, channels: int) -> np.ndarray:
    """[input channel, all that it is multiplied by] of weights [G*K, ..., C]."""
    groups = getattr(node.op, "groups", 1)
    parted = weights.reshape(groups, len(weights) // groups, -1, weights.shape[-1])
    return np.moveaxis(parted, 3, 1).reshape(channels, -1).copy()


def _from_input(columns: np.ndarray, node: Node, shape: tuple[int, ...]) -> np.ndarray:
    """The reverse of `_by_input`."""
    groups, depth = getattr(node.op, "groups", 1), shape[-1]
    parted = columns.reshape(groups, depth, shape[0] // groups, -1)
    return np.moveaxis(parted, 1, 3).reshape(shape)

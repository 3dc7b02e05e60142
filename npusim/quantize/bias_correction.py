"""Bias correction: quantized weights and inputs shift the mean of what a layer sums; its bias takes
the shift back.

Layer by layer in the order of the graph: the mean over samples and pixels of every output channel,
before the activation, in the float run and in the quantized one, whose earlier layers are corrected
already; their difference is added to the bias. Source: Nagel et al., ICCV 2019, section 4.2 and
appendix D (empirical bias correction).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from npusim.execution.arrays import check_inputs
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.passes.rewrite import free_name
from npusim.ir.passes.stored_formats import WEIGHTED
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT32
from npusim.numerics.quantization import Activation
from npusim.quantize.judging import real_of
from npusim.quantize.placement import has_constant_weights
from npusim.quantize.running import Arrays, Runner, bound, computed, in_memory_order

MOST_SAMPLES = 32
"""Samples that means are taken over; all of their live tensors are held at once."""


def with_biases(graph: Graph) -> Graph:
    """The float `graph` with a bias of zeros for each layer that has none."""
    tensors, nodes = dict(graph.tensors), []
    for node in graph.nodes:
        bias = node.inputs[2] if len(node.inputs) > 2 else ""
        if has_constant_weights(graph, node) and not bias:
            name = free_name(f"{node.name}_bias", tensors)
            zeros = np.zeros(tensors[node.inputs[1]].shape[0], np.float32)
            tensors[name] = Tensor(name, zeros.shape, FP32, None, zeros)
            node = replace(node, inputs=(*node.inputs[:2], name, *node.inputs[3:]))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def corrected(exact: Graph, quantized: Graph, samples: Sequence[Arrays]) -> Graph:
    """`quantized` with the biases corrected of all layers that the float graph `exact` has too.

    Of `samples` at most `MOST_SAMPLES`, evenly spread, are used.
    """
    few = samples[:: max(len(samples) // MOST_SAMPLES, 1)][:MOST_SAMPLES]
    return _Correction(quantized, _float_means(exact, few)).over(few)


def _float_means(graph: Graph, samples: Sequence[Arrays]) -> dict[str, np.ndarray]:
    """For each layer by name the mean of each channel of its sums, before the activation."""
    watched: dict[str, Node] = {}
    apart = _unclamped(graph, watched)
    runner, means = Runner(apart), dict[str, np.ndarray]()
    for sample in samples:
        for name, values in runner.values(sample):
            if name in watched:
                node = watched[name]
                found = _channel_means(values, node)
                means[node.name] = means.get(node.name, 0.0) + found / len(samples)
    return means


def _unclamped(graph: Graph, watched: dict[str, Node]) -> Graph:
    """`graph` with activations as nodes of their own; `watched` gets its layers by their output."""
    nodes, tensors = [], dict(graph.tensors)
    for node in graph.nodes:
        if not has_constant_weights(graph, node):
            nodes.append(node)
            continue
        op: Any = node.op
        plain, out = replace(node, op=replace(op, activation=Activation.NONE)), node.outputs[0]
        if op.activation is not Activation.NONE:
            sums = free_name(f"{out}_sums", tensors)
            tensors[sums] = replace(tensors[out], name=sums)
            plain = replace(plain, outputs=(sums,))
            nodes += [plain, Node(f"{node.name}_clamp", Relu(op.activation), (sums,), (out,))]
        else:
            nodes.append(plain)
        watched[plain.outputs[0]] = plain
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _channel_means(values: np.ndarray, node: Node) -> np.ndarray:
    """float64 [channels]: the mean over everything else."""
    axis = getattr(node.op, "channel_axis", -1) % values.ndim
    others = tuple(at for at in range(values.ndim) if at != axis)
    found: np.ndarray = values.mean(axis=others, dtype=np.float64)
    return found


@dataclass(eq=False)
class _Correction:
    """The quantized run of all samples at once, node by node."""

    graph: Graph
    means: Mapping[str, np.ndarray]
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def over(self, samples: Sequence[Arrays]) -> Graph:
        graph = self.graph
        self.tensors = dict(graph.tensors)
        constants = {t.name: t.data for t in graph.constants() if t.data is not None}
        runs = [{**constants, **check_inputs(graph, sample)} for sample in samples]
        last = {name: at for at, node in enumerate(graph.nodes) for name in node.inputs}
        for at, node in enumerate(graph.nodes):
            if node.op.kind in WEIGHTED and node.name in self.means and len(node.inputs) > 2:
                self._correct(node, runs)
            now = replace(graph, tensors=self.tensors)
            kernel, whole = bound(now, node)
            for values in runs:
                found = computed(now, node, kernel, whole, values)
                values.update(zip(node.outputs, found, strict=True))
                for name in {*node.inputs, *node.outputs}:
                    if last.get(name, at) == at:
                        values.pop(name, None)
        return replace(graph, tensors=self.tensors)

    def _correct(self, node: Node, runs: Sequence[dict[str, np.ndarray]]) -> None:
        """Add to the bias of `node` what its sums lack in the mean."""
        real, tensors = _real_layer(node, self.tensors)
        graph = replace(self.graph, nodes=(real,), tensors=tensors)
        kernel, whole = bound(graph, real)
        constants = {name: tensors[name].data for name in real.inputs[1:]}
        found = np.zeros(self.means[node.name].shape)
        for values in runs:
            name = node.inputs[0]
            x = in_memory_order(tensors[name], real_of(values[name], self.tensors[name]))
            (sums,) = computed(graph, real, kernel, whole, {**constants, name: x})  # type: ignore[dict-item]
            found += _channel_means(sums, real) / len(runs)
        bias = _shifted(self.tensors[node.inputs[2]], self.means[node.name] - found)
        self.tensors[bias.name] = bias
        for values in runs:
            assert bias.data is not None
            values[bias.name] = bias.data


def _real_layer(node: Node, tensors: Mapping[str, Tensor]) -> tuple[Node, dict[str, Tensor]]:
    """`node` on the reals that its tensors stand for, without its activation."""
    op: Any = node.op
    made = {}
    for name in (*node.inputs, *node.outputs):
        tensor = tensors[name]
        data = None if tensor.data is None else real_of(tensor.data, tensor).astype(np.float32)
        made[name] = replace(tensor, format=FP32, quantization=None, data=data)
    return replace(node, op=replace(op, activation=Activation.NONE)), made


def _shifted(bias: Tensor, shift: np.ndarray) -> Tensor:
    """`bias` plus float64 `shift` [channels], on the grid that it has."""
    assert bias.data is not None
    if bias.format != INT32 or bias.quantization is None:
        return replace(bias, data=(bias.data + shift).astype(bias.data.dtype))
    steps = np.rint(shift / bias.quantization.scale.astype(np.float64))
    moved = np.clip(bias.data + steps, INT32.low + 1, INT32.high - 127)
    return replace(bias, data=moved.astype(np.int32))

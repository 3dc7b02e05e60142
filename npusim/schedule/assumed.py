"""A float graph as if its tensors had another number format: it can be counted, not executed.

Activations take the first format of the pair, constants that an operator multiplies with the
second; biases have the accumulator's. Index and boolean tensors stay what they are.
"""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

from npusim.errors import Problem, UsageError, nearest_name
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP16, FP32, Format, format_named
from npusim.schedule.kept import Kept

REALS = (FP16, FP32)
BIASED = ("conv2d", "transposed_conv2d", "fully_connected")
"""Operators whose third input is a bias."""

MOST_KEPT = 8
_SEEN: WeakKeyDictionary[Graph, Kept[Graph]] = WeakKeyDictionary()
"""Graphs in other formats while the graph itself lives, by pair and accumulator."""


def in_format(graph: Graph, hardware: Hardware, assumed: str | None) -> Graph:
    """`graph` in the formats of `assumed`: `int8`, or a pair as `int8*int4` (activation*weight).

    None leaves it as it is. Raises UsageError if the graph is quantized or has no float tensors, or
    if the array of `hardware` has no such pair.
    """
    if assumed is None:
        return graph
    pair = assumed if "*" in assumed else f"{assumed}*{assumed}"
    if pair not in hardware.mac_array.precisions:
        _require_floats(graph)
        raise UsageError(Problem("--assume", _no_such_pair(pair, hardware)))
    accumulator = hardware.mac_array.accumulation(pair).format

    def converted() -> Graph:
        _require_floats(graph)
        return _converted(graph, pair, accumulator, "--assume")

    kept = _SEEN.setdefault(graph, Kept(MOST_KEPT))
    return kept.get((pair, accumulator.name), converted)


def counted_in(graph: Graph, hardware: Hardware, activation: str, weight: str) -> Graph | None:
    """`graph`, in floats or quantized, as if its activations and weights had these formats.

    Quantized tensors lose their scales: only what is stored and moved counts. None if the array of
    `hardware` multiplies no such pair, nor this activation with wider weights.
    """
    pair = hardware.mac_array.pair_for(activation, weight)
    if pair is None:
        return None
    accumulator = hardware.mac_array.accumulation(pair).format
    return _converted(graph, f"{activation}*{weight}", accumulator, "a study of precisions")


def _converted(graph: Graph, pair: str, accumulator: Format, why: str) -> Graph:
    activation, weight = (format_named(name) for name in pair.split("*"))
    biases = {
        node.inputs[2]
        for node in graph.nodes
        if node.op.kind in BIASED and len(node.inputs) > 2 and node.inputs[2]
    }

    def seen(tensor: Tensor) -> Tensor:
        if tensor.format not in REALS and tensor.quantization is None:
            return tensor
        fmt: Format = weight if tensor.is_constant else activation
        fmt = accumulator if tensor.name in biases else fmt
        return replace(tensor, format=fmt, quantization=None)

    note = (
        f"counted as if all activations were {activation.name} and all weights {weight.name} "
        f"({why}), biases {accumulator.name}; the file holds "
        f"{' and '.join(sorted({t.format.name for t in graph.tensors.values()}))}. The vector unit "
        "and the output stage work at the rates and energies that they have for 8-bit integers"
    )
    return replace(
        graph, tensors={name: seen(tensor) for name, tensor in graph.tensors.items()},
        counted_only=f"counted as if in {pair}: it has no such weights, so it can't be executed",
        notes=(*(n for n in graph.notes if "compute in float32" not in n), note),
    )  # fmt: skip


def _require_floats(graph: Graph) -> None:
    quantized = [t.name for t in graph.tensors.values() if t.quantization is not None]
    quantized += [n.outputs[0] for n in graph.nodes if n.op.kind == "dynamic_quantize"]
    if quantized or graph.weightless:
        what = (
            f"'{graph.name}' has number formats of its own"
            + (f" ('{quantized[0]}' is quantized)" if quantized else "")
            + "; only float models can be counted at another one"
        )
        raise UsageError(Problem("--assume", what))
    if not any(tensor.format in REALS for tensor in graph.tensors.values()):
        raise UsageError(Problem("--assume", f"'{graph.name}' has no float tensors"))


def _no_such_pair(pair: str, hardware: Hardware) -> str:
    pairs = list(hardware.mac_array.precisions)
    hint = nearest_name(pair, pairs)
    return f"the array of {hardware.name} has no {pair}{hint}; it has {', '.join(pairs)}"

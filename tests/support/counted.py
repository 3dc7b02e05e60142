"""Small networks built by hand, and what the simulator counts for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.energy.model import Energy, energy_of
from npusim.hardware import Hardware, load_hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8, INT32
from npusim.numerics.quantization import Quantization
from npusim.report import Report, build_report
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import Counts, count, latency_cycles

UNIT = Quantization.per_tensor(0.5, 0)


def conv_graph(
    size: int = 8, channels: int = 16, outputs: int = 16, taps: int = 3, name: str = "hand-made"
) -> Graph:
    """Convolution, addition of its result to itself, and a flat view of the sum."""
    image, flat = (1, size, size, outputs), (1, size * size * outputs)
    pad = taps // 2
    weights = np.ones((outputs, taps, taps, channels), np.int8)
    tensors = [
        Tensor("in", (1, size, size, channels), INT8, UNIT),
        Tensor("w", weights.shape, INT8, UNIT, weights),
        Tensor("bias", (outputs,), INT32, None, np.zeros(outputs, np.int32)),
        Tensor("mid", image, INT8, UNIT),
        Tensor("sum", image, INT8, UNIT),
        Tensor("out", flat, INT8, UNIT),
    ]
    nodes = (
        Node("conv", Conv2D(padding=(pad, pad, pad, pad)), ("in", "w", "bias"), ("mid",)),
        Node("twice", Add(), ("mid", "mid"), ("sum",)),
        Node("flat", Reshape(flat), ("sum",), ("out",)),
    )
    named = {tensor.name: tensor for tensor in tensors}
    return Graph(name, nodes, named, ("in",), ("out",), "tflite-reference", sha256="0" * 64)


def hardware_of(*overrides: str, preset: str = "edge-npu-1") -> Hardware:
    """A preset with some fields changed, as `--set` does it."""
    return load_hardware(preset, list(overrides))


def without_vector_op(hardware: Hardware, name: str) -> Hardware:
    """`hardware` whose vector unit cannot do `name`: the host must."""
    unit = hardware.vector_unit
    rates = {key: rate for key, rate in unit.rates.items() if key != name}
    return hardware.model_copy(update={"vector_unit": unit.model_copy(update={"rates": rates})})


def counts_of(graph: Graph, hardware: Hardware) -> Counts:
    """What timing counts for `graph`."""
    return count(build_program(graph, hardware, latency_cycles))


def counted(*overrides: str, graph: Graph | None = None) -> tuple[Counts, Energy]:
    """Counts and energy of `graph` (or `conv_graph()`) on the default preset, changed."""
    counts = counts_of(graph or conv_graph(), hardware_of(*overrides))
    return counts, energy_of(counts)


def report_of(
    *overrides: str,
    graph: Graph | None = None,
    preset: str = "edge-npu-1",
    notes: Sequence[str] = (),
) -> Report:
    """The report of `graph` (or `conv_graph()`) on `preset`, changed."""
    counts = counts_of(graph or conv_graph(), hardware_of(*overrides, preset=preset))
    return build_report(counts, energy_of(counts), notes=notes)

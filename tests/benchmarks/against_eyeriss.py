"""Preset eyeriss-v1 against the measured chip: time, traffic and power of convolution layers.

    python -m tests.benchmarks.against_eyeriss [FILE]

FILE has rows like `data/measurements/silicon.csv`; those of system `eyeriss-v1` are compared. Each
layer of a network is one row of a table here, as the publication gives it: input sizes with their
padding, pools and activations left out. The shares of zeros come from the rows' notes; outputs have
the zeros of the next layer's input, the last ones those of their own input (pooling hides zeros, so
this is a lower bound, and the output traffic an upper one).

    processing_ms  cycles that hold the array
    latency_ms     cycles that the layer owns, loads and stores between the passes included
    glb_mb         inputs into the array, partial sums in and out. Filters and the filling of the
                   buffer from DRAM are not in the published figure: psums and ifmaps alone give it
                   to the digit on all five layers of AlexNet.
    dram_mb        all traffic of the link, coded
    power_w        energy of the chip (without DRAM) over the latency

Free parameters (`free:` in the preset): none has a part in time and traffic of the array, `dma.*`
and the 50 us of `overheads.per_layer` are in the latency. Power rests on two figures that are
derived, not published: `technology.clock` (174 mW; 235 mW, the least power of a layer, bounds it)
and `technology.static` (6.3 mW; from 3.2 to 10 mW AlexNet is mapped the same), and on the energy
ratios of ISCA 2016.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from npusim.energy.model import energy_of
from npusim.hardware.loader import load_hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT16
from npusim.numerics.quantization import Quantization
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import Counts, StepCounts, count, latency_cycles

SHARED = Path(os.environ.get("NPUSIM_SHARED", Path(__file__).resolve().parents[3] / "shared"))
SILICON = SHARED / "data" / "measurements" / "silicon.csv"
SYSTEM = "eyeriss-v1"
QUANTITIES = ("processing_ms", "latency_ms", "glb_mb", "dram_mb", "power_w")
LIMITS = {"processing_ms": 0.10, "glb_mb": 0.15, "dram_mb": 0.15, "power_w": 0.20}
"""Greatest relative error per layer that the project asks for; latency has none."""

OFF_CHIP = ("dram", "dram_background")


@dataclass(frozen=True)
class Layer:
    """A convolution: input size with padding, filters, channels in all, taps, stride, groups."""

    size: int
    filters: int
    channels: int
    taps: int
    stride: int = 1
    groups: int = 1


NETWORKS = {
    "AlexNet": {
        "CONV1": Layer(227, 96, 3, 11, 4),
        "CONV2": Layer(31, 256, 96, 5, 1, 2),
        "CONV3": Layer(15, 384, 256, 3),
        "CONV4": Layer(15, 384, 384, 3, 1, 2),
        "CONV5": Layer(15, 256, 384, 3, 1, 2),
    },
    "VGG-16": {
        f"CONV{block}-{at}": Layer(size + 2, filters, channels if at == 1 else filters, 3)
        for block, size, channels, filters, layers in (
            (1, 224, 3, 64, 2),
            (2, 112, 64, 128, 2),
            (3, 56, 128, 256, 3),
            (4, 28, 256, 512, 3),
            (5, 14, 512, 512, 3),
        )
        for at in range(1, layers + 1)
    },
}
"""Krizhevsky et al. 2012 and Simonyan & Zisserman 2014, convolutions alone."""


@dataclass(frozen=True)
class Measured:
    """What the rows say of one layer: quantities, the batch, the share of zeros in its input."""

    network: str
    layer: str
    batch: int
    zeros: float
    values: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One quantity of one layer, measured and simulated, in the unit of its name."""

    network: str
    layer: str
    quantity: str
    measured: float
    simulated: float

    @property
    def error(self) -> float:
        """Simulated over measured, minus one."""
        return self.simulated / self.measured - 1.0


def read_rows(path: Path) -> list[Measured]:
    """The layers of `SYSTEM` in the file, in its order; rows of whole networks are left."""
    found: dict[tuple[str, str], Measured] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            network, layer = _named(row["model"])
            if row["system"] != SYSTEM or layer not in NETWORKS.get(network, {}):
                continue
            if row["metric"] not in QUANTITIES:
                continue
            key = network, layer
            if key not in found:
                zeros = re.search(r"zeros in ifmap=([0-9.]+)%", row["notes"])
                share = float(zeros[1]) / 100 if zeros else 0.0
                found[key] = Measured(network, layer, int(row["batch"]), share, {})
            found[key].values[row["metric"]] = float(row["value"])
    return list(found.values())


def _named(model: str) -> tuple[str, str]:
    """Network and layer of a row's model: `VGG16 conv1_2` is ("VGG-16", "CONV1-2")."""
    network, _, layer = model.partition(" ")
    plain = network.lower().replace("-", "").replace("_", "")
    known = {"alexnet": "AlexNet", "vgg16": "VGG-16"}.get(plain, network)
    return known, layer.upper().replace("_", "-").strip()


def graph_of(layers: Sequence[Measured]) -> Graph:
    """One network's layers as independent convolutions of 16-bit numbers."""
    nodes, tensors = [], {}
    scale = Quantization.per_tensor(1.0)
    following = [*(layer.zeros for layer in layers[1:]), layers[-1].zeros]
    for measured, out_zeros in zip(layers, following, strict=True):
        layer = NETWORKS[measured.network][measured.layer]
        names = [f"{measured.layer}:{part}" for part in ("input", "weights", "output")]
        op = Conv2D(stride=(layer.stride,) * 2, groups=layer.groups, padding=(0, 0, 0, 0))
        x = Tensor(
            names[0], (measured.batch, layer.size, layer.size, layer.channels), INT16, scale,
            zeros=measured.zeros,
        )  # fmt: skip
        taps = (layer.taps, layer.taps)
        w = Tensor(names[1], (layer.filters, *taps, layer.channels // layer.groups), INT16, scale)
        (shape,) = op.infer_shapes([x, w])
        y = Tensor(names[2], shape, INT16, scale, zeros=out_zeros)
        tensors.update({tensor.name: tensor for tensor in (x, w, y)})
        nodes.append(Node(measured.layer, op, (names[0], names[1]), (names[2],)))
    return Graph(
        name=layers[0].network, nodes=tuple(nodes), tensors=tensors,
        inputs=tuple(node.inputs[0] for node in nodes),
        outputs=tuple(node.outputs[0] for node in nodes), profile="onnx", weightless=True,
    )  # fmt: skip


def counts_of(layers: Sequence[Measured]) -> Counts:
    """The layers of one network on the preset."""
    return count(build_program(graph_of(layers), load_hardware(SYSTEM), latency_cycles))


def compare(path: Path) -> Iterator[Row]:
    """A row for each quantity of each layer in the file."""
    measured = read_rows(path)
    for network in dict.fromkeys(layer.network for layer in measured):
        layers = [layer for layer in measured if layer.network == network]
        counts = counts_of(layers)
        energy = energy_of(counts)
        for layer, step, parts in zip(layers, counts.steps, energy.steps, strict=True):
            joules = sum(value for part, value in parts.items() if part not in OFF_CHIP)
            found = _quantities(step, joules, counts.program.hardware.clock_hz)
            for quantity, value in layer.values.items():
                yield Row(network, layer.layer, quantity, value, found[quantity])


def _quantities(step: StepCounts, joules: float, clock_hz: float) -> dict[str, float]:
    seconds = step.cycles / clock_hz
    sram = step.sram_read_bytes + step.sram_write_bytes
    return {
        "processing_ms": step.array_busy_cycles / clock_hz * 1e3,
        "latency_ms": seconds * 1e3,
        "glb_mb": (sram - step.loaded_bytes - step.loaded_weight_bytes) / 1e6,
        "dram_mb": (step.dram_read_bytes + step.dram_write_bytes) / 1e6,
        "power_w": joules / seconds,
    }


def main(arguments: Sequence[str]) -> None:
    """Print every row, then the errors by quantity."""
    rows = list(compare(Path(arguments[0]) if arguments else SILICON))
    print(f"{'network':9}{'layer':9}{'quantity':15}{'measured':>10}{'simulated':>11}{'error':>9}")
    for row in rows:
        limit = LIMITS.get(row.quantity, float("inf"))
        mark = "" if abs(row.error) <= limit else "  above the limit"
        print(
            f"{row.network:9}{row.layer:9}{row.quantity:15}{row.measured:10.4g}"
            f"{row.simulated:11.4g}{row.error:+9.1%}{mark}"
        )
    print()
    for quantity in QUANTITIES:
        errors = [abs(row.error) for row in rows if row.quantity == quantity]
        if errors:
            print(
                f"{quantity:15} mean {mean(errors):6.1%}  median {median(errors):6.1%}  "
                f"worst {max(errors):6.1%}  of {len(errors)}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])

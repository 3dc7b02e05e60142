"""What crosses the link between the NPU and its host, and how long that takes.

Inputs of the network that the NPU reads arrive over the link before the first step, outputs that it
wrote leave after the last; around a step of the host go the tensors that the other side wrote. Each
direction of each of these is one transfer:

    cycles = latency + bytes / bandwidth

and a tensor crosses once, whoever reads it again. Nothing runs beside these transfers: drivers wait
for them. The layers of a layer table are independent: nobody knows which of their inputs and
outputs are another one's, so none is taken to cross.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from npusim.cost.transfer import cycles_at
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.program import Step
from npusim.schedule.tables import ALIAS, HOST


@dataclass(frozen=True)
class LinkTraffic:
    """Bytes over the link: (to the NPU, to the host) at both ends and around each step."""

    arriving_bytes: int
    leaving_bytes: int
    steps: tuple[tuple[int, int], ...]


def link_traffic(graph: Graph, steps: Sequence[Step]) -> LinkTraffic:
    """What crosses in one inference of `graph`, whose nodes run as `steps`."""
    if graph.weightless:
        return LinkTraffic(0, 0, ((0, 0),) * len(steps))
    root = _roots(graph, steps)
    on_host = {root[name] for name in graph.inputs}
    read = _read_on_npu(steps, root)
    arriving = on_host & read
    around = []
    for step in steps:
        written = {root[name] for name in step.node.outputs}
        if step.unit != HOST:
            around.append((0, 0))
            continue
        needed = {root[name] for name in step.node.inputs if name} - on_host
        needed = {name for name in needed if not graph.tensors[name].is_constant}
        on_host |= needed | written
        around.append((_bytes(graph, written & read), _bytes(graph, needed)))
    leaving = {root[name] for name in graph.outputs} - on_host
    return LinkTraffic(_bytes(graph, arriving), _bytes(graph, leaving), tuple(around))


def link_cycles(hardware: Hardware, *transfers_bytes: int) -> int:
    """Cycles of the NPU clock for these transfers, one after the other; 0 without a link."""
    link = hardware.host.link
    if link is None:
        return 0
    latency = math.ceil(round(link.latency_s * hardware.clock_hz, 6))
    per_cycle = link.bandwidth_bytes_per_s / hardware.clock_hz
    return sum(latency + cycles_at(bytes_, per_cycle) for bytes_ in transfers_bytes if bytes_)


def _roots(graph: Graph, steps: Iterable[Step]) -> dict[str, str]:
    root = {name: name for name in graph.tensors}
    for step in steps:
        if step.unit == ALIAS:
            root[step.node.outputs[0]] = root[step.node.inputs[0]]
    return root


def _read_on_npu(steps: Iterable[Step], root: dict[str, str]) -> set[str]:
    return {
        root[name]
        for step in steps
        if step.unit not in (ALIAS, HOST)
        for name in step.node.inputs
        if name
    }


def _bytes(graph: Graph, names: Iterable[str]) -> int:
    return sum(graph.tensors[name].size_bytes for name in names)

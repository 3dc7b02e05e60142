"""Graph -> steps: which unit runs each operator, and its loops as a row of the tables.

Products in number formats that the array has no rate for, operators that the vector unit has no
rate for, and those on floating-point formats that the array does not know go to the
host. Views of a tensor share its place: they become ALIAS steps and cost nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from npusim.cost.machine import Machine
from npusim.errors import Problem, UnsupportedModelError
from npusim.hardware.memory import Layout
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import LoopNest, Unit
from npusim.schedule.blocks import fill_blocks, piece_of, ragged_outputs, written_piece
from npusim.schedule.coding import coded_bits
from npusim.schedule.compression import coded_bytes_of
from npusim.schedule.fixed import Cascade
from npusim.schedule.host_link import link_cycles, link_traffic
from npusim.schedule.kept import Kept, text_of
from npusim.schedule.layout import layout_columns, padded_bytes, stored_columns
from npusim.schedule.plan import Plan, is_constant, plan_of
from npusim.schedule.program import Kinds, Step, kinds_of
from npusim.schedule.sparsity import density_of, kept_bytes
from npusim.schedule.tables import ALIAS, ARRAY, HOST, STEP, VECTOR


@dataclass(frozen=True, eq=False)
class Lowered:
    """Steps with their tables, before tiling and placement.

    `tensors` are the roots: names under which views of a tensor are known; `root` maps every name
    to its root. `tensor_bytes` are those of each root in memory, padding included; of a tensor that
    `cascades` never hold as a whole, of the rows that they hold.
    """

    steps: tuple[Step, ...]
    table: np.ndarray
    operands: np.ndarray
    tensors: tuple[str, ...]
    root: dict[str, str]
    tensor_bytes: dict[str, int]
    cascades: tuple[Cascade, ...] = ()

    @cached_property
    def kinds(self) -> Kinds:
        """The kinds of `steps`."""
        return kinds_of(self.steps)


MOST_KEPT = 32
"""Lowered graphs that are kept while their graph lives: one takes some 0.1 MB for 70 operators."""


class _Assigned(NamedTuple):
    """Steps with their units; whether the host has any of them."""

    steps: tuple[Step, ...]
    on_host: bool


_KEPT: WeakKeyDictionary[Graph, tuple[Kept[_Assigned], Kept[Lowered]]] = WeakKeyDictionary()


def lowered_for(graph: Graph, hardware: Hardware, machine: Machine) -> Lowered:
    """`lower`, found once for all hardware that lowers `graph` alike; nobody changes its tables."""
    if graph not in _KEPT:
        _KEPT[graph] = Kept(MOST_KEPT), Kept(MOST_KEPT)
    assigned, kept = _KEPT[graph]
    mac = hardware.mac_array
    units = text_of(mac, "precisions"), text_of(hardware.vector_unit), mac.blocks is not None
    steps, on_host = assigned.get(units, lambda: _assigned(_steps(graph, hardware)))
    key = *units, *_read_by_lowering(on_host, hardware, machine)
    return kept.get(key, lambda: _lowered(graph, hardware, machine, steps))


def _assigned(steps: tuple[Step, ...]) -> _Assigned:
    return _Assigned(steps, any(step.unit == HOST for step in steps))


def _read_by_lowering(
    host_steps: bool, hardware: Hardware, machine: Machine
) -> tuple[Hashable, ...]:
    """All that `_lowered` looks at beside the units of steps, of which the host has some or not, as
    values."""
    mac, memory, link = hardware.mac_array, hardware.memory, hardware.host.link
    coding = memory.weight_compression
    pieces = mac.blocks is not None or memory.layout.plain_piece_bytes is not None
    of_array = pieces or coding is not None or mac.weight_sparsity is not None
    on_host = link is not None or host_steps
    return (
        text_of(mac) if of_array else "",
        machine if pieces else None,
        (text_of(hardware.host), hardware.clock_hz) if on_host else None,
        text_of(hardware.output_stage),
        text_of(memory.layout),
        text_of(coding),
        text_of(hardware.dma.run_length),
        hardware.overheads.per_layer_cycles,
        hardware.mapping.single_buffers,
        memory.sram.weight_part_bytes,
        hardware.cores,
        machine.array.hide_drain,
        machine.array.sum_bits,
        _buffer_columns(machine),
    )


def lower(graph: Graph, hardware: Hardware, machine: Machine) -> Lowered:
    """Steps of `graph` on `hardware`; UnsupportedModelError lists what nothing can run."""
    return _lowered(graph, hardware, machine, _steps(graph, hardware))


def _plan(graph: Graph, hardware: Hardware) -> Plan:
    return plan_of(graph, rectangles=hardware.mac_array.blocks is not None)


def _steps(graph: Graph, hardware: Hardware) -> tuple[Step, ...]:
    plan = _plan(graph, hardware)
    kinds = [_unit(graph, graph.nodes[at], plan.nests[at], hardware) for at in plan.models]
    return tuple(
        Step(node.name, node, nest, kinds[kind][0], kinds[kind][1], row_width=width)
        for node, nest, kind, width in zip(
            graph.nodes, plan.nests, plan.kind_of.tolist(), plan.row_widths, strict=True
        )
    )


def _lowered(
    graph: Graph, hardware: Hardware, machine: Machine, steps: tuple[Step, ...]
) -> Lowered:
    plan = _plan(graph, hardware)
    if hardware.host.flops_per_s is None:
        _require_no_host(steps, hardware)
    layout = hardware.memory.layout
    sizes = plan.tensor_bytes
    if layout.channel_block > 1:
        plain = plan.ends if layout.network_ends == "plain" else ()
        sizes = {name: padded_bytes(graph.tensors[name], layout, name in plain) for name in sizes}
    table = plan.table.copy()
    models = [_hardware_columns(steps[at], hardware, machine) for at in plan.models]
    for name, *values in zip(_HARDWARE_COLUMNS, *models, strict=True):
        table[name] = np.array(values, STEP[name])[plan.kind_of]
    if hardware.host.link is not None:
        for at, crossing in enumerate(link_traffic(graph, steps).steps):
            table[at]["host_cycles"] += link_cycles(hardware, *crossing)
    table["density"] = 1.0
    if hardware.mac_array.weight_sparsity is not None:
        for row, step in zip(table, steps, strict=True):
            if step.unit == ARRAY:
                row["density"] = density_of(graph, step.nest, hardware)
    if hardware.mac_array.blocks is not None:
        fill_blocks(steps, table, hardware, machine)
        for row in table:
            row["ops_per_output"] *= ragged_outputs(row, hardware.mac_array)
    operands = _operands(graph, plan, hardware, steps, table)
    return Lowered(steps, table, operands, plan.tensors, plan.root, sizes)


def _require_no_host(steps: tuple[Step, ...], hardware: Hardware) -> None:
    what = f"needs a host, and {hardware.name} has none (host.rate)"
    problems = [
        Problem(step.name, f"{step.node.op.kind} {what}") for step in steps if step.unit == HOST
    ]
    if problems:
        raise UnsupportedModelError(problems)


def _unit(graph: Graph, node: Node, nest: LoopNest, hardware: Hardware) -> tuple[int, str]:
    """The unit of a node, and on the array the pair of number formats that it multiplies."""
    if nest.unit is Unit.ALIAS:
        return ALIAS, ""
    array = hardware.mac_array
    if nest.unit is Unit.ARRAY and not node.op.host_only:
        first, second = (graph.tensors[operand.tensor].format.name for operand in nest.operands[:2])
        pair = array.pair_for(first, second)
        return (ARRAY, pair) if pair else (HOST, "")
    names = [name for name in (*node.inputs, *node.outputs) if name]
    computed = [graph.tensors[name] for name in names if not graph.tensors[name].is_constant]
    known = {name for pair in array.precisions for name in pair.split("*")}
    floats = [tensor.format.name for tensor in computed if tensor.format.is_float]
    foreign = [name for name in floats if name not in known and name.split("_")[0] not in known]
    if foreign or node.op.host_only or nest.rate not in hardware.vector_unit.rates:
        return HOST, ""
    return VECTOR, ""


_LAYOUT_COLUMNS = ("block", "layout", "stored_bytes", "stored_of", "piece")
_HARDWARE_COLUMNS = (
    "unit", "buffers_sums", "dispatch_cycles", "host_cycles", "mac_rate", "post_rate",
    "vector_rate", "direct_store", "banks", "data_banks", "weight_banks", "bank_bytes",
    "single_weights", "single_inputs", "single_outputs", "weight_part", "sum_bits",
)  # fmt: skip


def _hardware_columns(step: Step, hardware: Hardware, machine: Machine) -> tuple[float, ...]:
    """What a step's row has of the hardware, in the order of _HARDWARE_COLUMNS."""
    nest, stage = step.nest, hardware.output_stage
    precision = hardware.mac_array.precisions.get(step.pair)
    per_op: dict[str, float] = dict(stage.per_op.items())
    rates: dict[str, float] = dict(hardware.vector_unit.rates.items())
    host_cycles = 0
    if step.unit == HOST:
        operations = nest.vector_ops or 2 * nest.macs
        rate_hz = hardware.host.flops_per_s or 1.0
        host_cycles = int(np.ceil(operations / rate_hz * hardware.clock_hz))
    return (
        step.unit,
        2 if machine.array.hide_drain else 1,
        0 if step.unit in (ALIAS, HOST) else hardware.overheads.per_layer_cycles,
        host_cycles,
        precision.rate if precision else 1.0,
        per_op.get(step.node.op.kind, stage.elements_per_cycle) * hardware.cores,
        hardware.vector_unit.lanes * hardware.cores * rates.get(nest.rate, 1.0),
        *(_buffer_columns(machine) if step.unit == ARRAY else (0,) * 5),
        *(stream in hardware.mapping.single_buffers for stream in ("weights", "inputs", "outputs")),
        hardware.memory.sram.weight_part_bytes or 0,
        machine.array.sum_bits if step.unit == ARRAY else 0,
    )


def _buffer_columns(machine: Machine) -> tuple[int, ...]:
    """Where outputs of the array go, and how SRAM is split for its operands."""
    bank_bytes = machine.bank_bytes if machine.banks else 0
    split = machine.banks, machine.data_banks, machine.weight_banks, bank_bytes
    return int(machine.writes_memory), *split


def _operands(
    graph: Graph, plan: Plan, hardware: Hardware, steps: tuple[Step, ...], table: np.ndarray
) -> np.ndarray:
    """The rows of operands, as they lie in the memory of this hardware."""
    operands = plan.operands.copy()
    runs = hardware.dma.run_length
    if runs is not None:
        known = (operand for step in steps for operand in step.nest.operands)
        operands["coded_bits"] = [
            0.0 if is_constant(graph, operand) else coded_bits(graph.tensors[operand.tensor], runs)
            for operand in known
        ]
    layout = hardware.memory.layout
    coding = hardware.memory.weight_compression
    if layout == Layout() and coding is None and (table["density"] == 1.0).all():
        return operands
    plain = plan.ends if layout.network_ends == "plain" else frozenset()
    columns: list[tuple[int, ...]] = []
    for step, row in zip(steps, table, strict=True):
        for operand in step.nest.operands:
            constant = is_constant(graph, operand)
            ends = plan.root[operand.tensor] in plain
            weights = constant and operand.role == "weight" and step.unit == ARRAY
            coded = coded_bytes_of(graph, step.node, operand, hardware) if weights else None
            if weights and coded is None and row["density"] < 1 and "C" in operand.dims:
                coded = kept_bytes(step.nest, operand, hardware)
            stored = stored_columns(operand, step.nest, layout, coded) if weights else (0, 0)
            read_plain = ends and operand.role == "input" and step.unit == ARRAY
            piece = piece_of(row, hardware, operand.bits) if read_plain else 0
            if ends and operand.role == "output" and step.unit in (ARRAY, VECTOR):
                piece = written_piece(row, hardware, operand.bits)
            columns.append((*layout_columns(operand, layout, constant or ends), *stored, piece))
    for name, *values in zip(_LAYOUT_COLUMNS, *columns, strict=True):
        operands[name] = values
    return operands

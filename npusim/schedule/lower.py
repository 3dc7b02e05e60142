"""Graph -> steps: which unit runs each operator, and its loops as a row of the tables.

Products in number formats that the array has no rate for, operators that the vector unit has no
rate for, and those on floating-point formats that the array does not know go to the
host. Views of a tensor share its place: they become ALIAS steps and cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.cost.machine import Machine
from npusim.errors import Problem, UnsupportedModelError
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import DIMS, LoopNest, Operand, Unit
from npusim.schedule.compression import coded_bytes_of
from npusim.schedule.fixed import Cascade
from npusim.schedule.host_link import link_cycles, link_traffic
from npusim.schedule.layout import layout_columns, padded_bytes, stored_columns
from npusim.schedule.program import Step
from npusim.schedule.tables import (
    ALIAS,
    ARRAY,
    HOST,
    INPUTS,
    OPERAND,
    OUTPUTS,
    STEP,
    VECTOR,
    WEIGHTS,
)


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


def lower(graph: Graph, hardware: Hardware, machine: Machine) -> Lowered:
    """Steps of `graph` on `hardware`; UnsupportedModelError lists what nothing can run."""
    steps, problems = [], []
    root = {name: name for name in graph.tensors}
    for node in graph.nodes:
        ins, outs = graph.operands(node)
        nest = node.op.loop_nest(ins, outs)
        unit, pair = _unit(graph, node, nest, hardware)
        if unit == HOST and hardware.host.flops_per_s is None:
            what = f"{node.op.kind} needs a host, and {hardware.name} has none (host.rate)"
            problems.append(Problem(node.name, what))
        if unit == ALIAS:
            root[node.outputs[0]] = root[node.inputs[0]]
        steps.append(Step(node.name, node, nest, unit, pair))
    if problems:
        raise UnsupportedModelError(problems)
    tensors = tuple(dict.fromkeys(root.values()))
    layout = hardware.memory.layout
    plain = _plain_tensors(graph, root) if layout.network_ends == "plain" else set()
    sizes = {name: padded_bytes(graph.tensors[name], layout, name in plain) for name in tensors}
    tables = _tables(graph, hardware, machine, steps, tensors, root, plain)
    return Lowered(tuple(steps), *tables, tensors, root, sizes)


def _plain_tensors(graph: Graph, root: dict[str, str]) -> set[str]:
    """Inputs and outputs of the network."""
    return {root[name] for name in (*graph.inputs, *graph.outputs)}


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


def _tables(
    graph: Graph, hardware: Hardware, machine: Machine, steps: list[Step],
    tensors: tuple[str, ...], root: dict[str, str], plain: set[str],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    number = {name: at for at, name in enumerate(tensors)}
    table = np.zeros(len(steps), STEP)
    rows: list[tuple[int, ...]] = []
    layout = hardware.memory.layout
    for at, step in enumerate(steps):
        _fill_step(table[at], step, hardware, machine)
        table[at]["operand_start"] = len(rows)
        for operand in step.nest.operands:
            constant = graph.tensors[operand.tensor].is_constant or (
                graph.weightless and operand.role == "weight"
            )
            place = root[operand.tensor]
            weights = constant and operand.role == "weight" and step.unit == ARRAY
            coded = coded_bytes_of(graph, step.node, operand, hardware) if weights else None
            stored = stored_columns(operand, step.nest, layout, coded) if weights else (0, 0)
            columns = (*layout_columns(operand, layout, constant or place in plain), *stored)
            rows.append((*_operand_row(operand, number[place], constant), *columns))
        table[at]["operand_stop"] = len(rows)
    for at, crossing in enumerate(link_traffic(graph, steps).steps):
        table[at]["host_cycles"] += link_cycles(hardware, *crossing)
    operands = np.array(rows, OPERAND) if rows else np.zeros(0, OPERAND)
    return table, operands


def _fill_step(row: np.void, step: Step, hardware: Hardware, machine: Machine) -> None:
    nest = step.nest
    row["unit"] = step.unit
    for dim, extent in zip(DIMS, nest.extents, strict=True):
        row[dim.lower()] = extent
    row["stride_y"], row["stride_x"] = nest.stride
    row["dilation_y"], row["dilation_x"] = nest.dilation
    row["pad_top"], row["pad_left"] = nest.padding
    row["in_h"], row["in_w"] = nest.input_size
    for name in ("b", "g", "k", "c", "oy", "ox"):
        row[f"tile_{name}"] = max(1, row[name])
    row["buffers_sums"] = 2 if machine.array.hide_drain else 1
    if step.unit not in (ALIAS, HOST):
        row["dispatch_cycles"] = hardware.overheads.per_layer_cycles
    stage = hardware.output_stage
    precision = hardware.mac_array.precisions.get(step.pair)
    row["mac_rate"] = precision.rate if precision else 1.0
    per_op: dict[str, float] = dict(stage.per_op.items())
    rate = per_op.get(step.node.op.kind, stage.elements_per_cycle)
    row["post_rate"] = rate * hardware.cores
    lanes = hardware.vector_unit.lanes * hardware.cores
    rates: dict[str, float] = dict(hardware.vector_unit.rates.items())
    row["vector_rate"] = lanes * rates.get(nest.rate, 1.0)
    b, g, k, _, oy, ox, _, _ = nest.extents
    row["ops_per_output"] = nest.vector_ops / max(1, b * g * k * oy * ox)
    if step.unit == HOST:
        operations = nest.vector_ops or 2 * nest.macs
        rate_hz = hardware.host.flops_per_s or 1.0
        row["host_cycles"] = int(np.ceil(operations / rate_hz * hardware.clock_hz))


def _operand_row(operand: Operand, tensor: int, constant: bool) -> tuple[int, ...]:
    role = {"weight": WEIGHTS, "input": INPUTS, "output": OUTPUTS}[operand.role]
    stream = WEIGHTS if constant else role
    walks = operand.dims
    return (
        tensor, stream, role, operand.bits,
        "B" in walks, "G" in walks, "K" in walks, "C" in walks, "OY" in walks, "OX" in walks,
        "FY" in walks, operand.window, constant, *operand.share,
    )  # fmt: skip

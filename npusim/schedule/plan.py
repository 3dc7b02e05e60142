"""What a schedule needs of the graph alone: loops, operands, which layers are alike.

It is the same on every hardware, so it is made once and kept while its graph lives: a design space
of thousands of points asks for it thousands of times.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import DIMS, LoopNest, Operand, Unit
from npusim.schedule.rectangles import rectangle_of
from npusim.schedule.tables import INPUTS, OPERAND, OUTPUTS, STEP, WEIGHTS

_ROLES = {"weight": WEIGHTS, "input": INPUTS, "output": OUTPUTS}


@dataclass(frozen=True, eq=False)
class Plan:
    """Nodes in order, with their loops.

    `table` and `operands` have what depends on loops and formats; the rest is zero, operands lie
    unpadded. Nodes of one `kind_of` (int64 [nodes]) differ in names and places only; `models` is
    the first node of each. `root` maps the name of a tensor to that of the tensor it is a view of;
    `tensors` are the roots, `ends` those that are inputs or outputs of the graph, and inputs that
    were converted to another number format: that rearranges nothing. Rows of a product that is a
    rectangle lie `row_widths` to a line; 0 where the loops are those of the operator.
    """

    nests: tuple[LoopNest, ...]
    table: np.ndarray
    operands: np.ndarray
    kind_of: np.ndarray
    models: tuple[int, ...]
    root: dict[str, str]
    tensors: tuple[str, ...]
    tensor_bytes: dict[str, int]
    ends: frozenset[str]
    row_widths: tuple[int, ...]


_PLANS: WeakKeyDictionary[Graph, dict[bool, Plan]] = WeakKeyDictionary()


def plan_of(graph: Graph, rectangles: bool = False) -> Plan:
    """The plan of `graph`, with rows of matrix products as `rectangles` or in loop B."""
    plans = _PLANS.setdefault(graph, {})
    if rectangles not in plans:
        plans[rectangles] = _plan(graph, rectangles)
    return plans[rectangles]


def _plan(graph: Graph, rectangles: bool) -> Plan:
    own = [node.op.loop_nest(*graph.operands(node)) for node in graph.nodes]
    spread = [rectangle_of(nest) if rectangles else None for nest in own]
    nests = tuple(wide or nest for nest, wide in zip(own, spread, strict=True))
    widths = tuple(0 if wide is None else wide.input_size[1] for wide in spread)
    root = {name: name for name in graph.tensors}
    for node, nest in zip(graph.nodes, nests, strict=True):
        if nest.unit is Unit.ALIAS:
            root[node.outputs[0]] = root[node.inputs[0]]
    tensors = tuple(dict.fromkeys(root.values()))
    ends = _ends(graph, nests, root)
    table, operands = _tables(graph, nests, root, tensors)
    kinds: dict[tuple[object, ...], int] = {}
    kind_of = np.zeros(len(nests), np.int64)
    models = []
    for at, (node, nest) in enumerate(zip(graph.nodes, nests, strict=True)):
        key = _kind(graph, node, nest, root, ends)
        if key not in kinds:
            models.append(at)
        kind_of[at] = kinds.setdefault(key, len(kinds))
    sizes = {name: graph.tensors[name].size_bytes for name in tensors}
    return Plan(nests, table, operands, kind_of, tuple(models), root, tensors, sizes, ends, widths)


def _ends(graph: Graph, nests: tuple[LoopNest, ...], root: dict[str, str]) -> frozenset[str]:
    ends = {root[name] for name in (*graph.inputs, *graph.outputs)}
    for node, nest in zip(graph.nodes, nests, strict=True):
        if nest.rate == "requantize" and root[node.inputs[0]] in ends:
            ends.add(root[node.outputs[0]])
    return frozenset(ends)


def _kind(
    graph: Graph, node: Node, nest: LoopNest, root: dict[str, str], ends: frozenset[str]
) -> tuple[object, ...]:
    """All that a hardware may look at in a node, but names."""
    operands = tuple(
        (
            operand.role, operand.bits, operand.dims, operand.window, operand.share,
            graph.tensors[operand.tensor].format, is_constant(graph, operand),
            root[operand.tensor] in ends,
        )
        for operand in nest.operands
    )  # fmt: skip
    names = (name for name in (*node.inputs, *node.outputs) if name)
    formats = tuple((graph.tensors[name].format, graph.tensors[name].is_constant) for name in names)
    return (
        node.op.kind, node.op.host_only, nest.unit, nest.extents, nest.stride, nest.dilation,
        nest.padding, nest.input_size, nest.rate, nest.vector_ops, nest.splits, nest.useful_macs,
        operands, formats,
    )  # fmt: skip


def is_constant(graph: Graph, operand: Operand) -> bool:
    """True for weights and other constants."""
    weights = graph.weightless and operand.role == "weight"
    return graph.tensors[operand.tensor].is_constant or weights


def _tables(
    graph: Graph, nests: tuple[LoopNest, ...], root: dict[str, str], tensors: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    number = {name: at for at, name in enumerate(tensors)}
    table = np.zeros(len(nests), STEP)
    rows: list[tuple[int, ...]] = []
    for at, nest in enumerate(nests):
        _fill_loops(table[at], nest)
        table[at]["operand_start"] = len(rows)
        for operand in nest.operands:
            place = number[root[operand.tensor]]
            rows.append(_operand_row(operand, place, is_constant(graph, operand)))
        table[at]["operand_stop"] = len(rows)
    return table, np.array(rows, OPERAND) if rows else np.zeros(0, OPERAND)


def _fill_loops(row: np.void, nest: LoopNest) -> None:
    for dim, extent in zip(DIMS, nest.extents, strict=True):
        row[dim.lower()] = extent
    row["stride_y"], row["stride_x"] = nest.stride
    row["dilation_y"], row["dilation_x"] = nest.dilation
    row["pad_top"], row["pad_left"] = nest.padding
    row["in_h"], row["in_w"] = nest.input_size
    for name in ("b", "g", "k", "c", "oy", "ox"):
        row[f"tile_{name}"] = max(1, row[name])
    b, g, k, _, oy, ox, _, _ = nest.extents
    row["ops_per_output"] = nest.vector_ops / max(1, b * g * k * oy * ox)


def _operand_row(operand: Operand, tensor: int, constant: bool) -> tuple[int, ...]:
    role = _ROLES[operand.role]
    walks = operand.dims
    loops = (name in walks for name in ("B", "G", "K", "C", "OY", "OX", "FY"))
    stream = WEIGHTS if constant else role
    return (
        tensor, stream, role, operand.bits, *loops, operand.window, constant, *operand.share,
        *UNPADDED,
    )  # fmt: skip


UNPADDED = (1, 0, 0, 0, 0, 0)
"""`block`, `layout`, `stored_bytes`, `stored_of`, `coded_bits` and `piece` of an operand that lies
as it is."""

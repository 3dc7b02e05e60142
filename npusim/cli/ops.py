"""`npusim ops`: where each operator of a model runs, and why not, before anything is simulated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.completion import MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import EXIT_UNSUPPORTED_MODEL, UnsupportedModelError

if TYPE_CHECKING:
    from npusim.api import Model
    from npusim.hardware.schema import Hardware
    from npusim.ir.graph import Graph
    from npusim.schedule.program import Step

SCHEMA = "npusim.ops/1"
PLACES = ("npu", "host", "supported", "unchecked", "unsupported")
"""A node is only `supported` where others keep the model from being placed, and `unchecked` where
it needs what an unsupported one computes."""
PLACE_WIDTH = 2 + max(map(len, PLACES))


@dataclass(frozen=True)
class Row:
    """One operator: its node, its kind, `on` (one of `PLACES`), and what there is to say of it."""

    node: str
    op: str
    on: str
    remark: str


@click.command(short_help="Where each operator runs.")
@click.argument("model", type=MODEL, required=False)
@options.hardware_option
@options.set_option
@options.shape_option
@options.encodings_option
@options.partial_option
@options.assume_option
@options.json_option
def ops(
    model: str | None,
    hardware: str,
    overrides: tuple[str, ...],
    shapes: tuple[str, ...],
    encodings: str | None,
    partial_encodings: bool,
    assume: str | None,
    json_to: str | None,
) -> int:
    """Each operator of MODEL: on the NPU, on the host, or unsupported (exit code 3).

    Without MODEL: all operators that are supported, with their attributes and data types.
    """
    if model is None:
        from npusim.cli.catalogue import show_catalogue

        show_catalogue(json_to)
        return 0
    check_destinations({"--json": json_to}, (model, hardware, encodings))
    options.check_partial(encodings, partial_encodings)
    from npusim import api

    hw = api.load_hardware(hardware, overrides)
    given = options.parse_shapes(shapes)
    rows = _rows(lambda: api.load_model(model, given, encodings, partial_encodings), hw, assume)
    if json_to is not None:
        document = {"schema": SCHEMA, "model": model, "nodes": [asdict(row) for row in rows]}
        _write_json(json_to, json.dumps(document, indent=2) + "\n")
    if json_to != STDOUT:
        _print(rows)
    return EXIT_UNSUPPORTED_MODEL if any(row.on == "unsupported" for row in rows) else 0


def _rows(load: Callable[[], Model], hardware: Hardware, assume: str | None) -> list[Row]:
    """Every operator with its place; of a model that can't be read, what is known of each node."""
    from npusim.schedule.assumed import in_format

    try:
        graph = load().graph
    except UnsupportedModelError as error:
        known = [Row(name, kind, "supported", "") for name, kind in error.understood]
        known += [Row(name, kind, "unchecked", "") for name, kind in error.unchecked]
        refused = [Row(one.where, "", "unsupported", one.what) for one in error.problems]
        return [*known, *refused]
    return _placed(in_format(graph, hardware, assume), hardware)


def _placed(graph: Graph, hardware: Hardware) -> list[Row]:
    """Every operator with the unit that the scheduler gives it."""
    from npusim.cost.machine import machine_of
    from npusim.hardware.schema import Host
    from npusim.schedule.lower import lower

    machine = machine_of(hardware)
    refused: dict[str, str] = {}
    try:
        steps = lower(graph, hardware, machine).steps
    except UnsupportedModelError as error:
        refused = {problem.where: problem.what for problem in error.problems}
        lent = hardware.model_copy(update={"host": Host.model_validate({"rate": "1 MFLOP/s"})})
        steps = lower(graph, lent, machine).steps
    return [_row(graph, hardware, step, refused) for step in steps]


def _row(graph: Graph, hardware: Hardware, step: Step, refused: dict[str, str]) -> Row:
    kind, name = step.node.op.kind, step.name
    if name in refused:
        return Row(name, kind, "unsupported", refused[name])
    remarks = [_why_on_host(graph, hardware, step)] if step.on == "host" else []
    if not graph.weightless and not graph.counted_only:
        remarks.append(_why_not_executed(graph, hardware, step))
    return Row(name, kind, step.on, "; ".join(filter(None, remarks)))


def _why_on_host(graph: Graph, hardware: Hardware, step: Step) -> str:
    from npusim.ir.loopnest import Unit

    if step.nest.unit is Unit.ARRAY and not step.node.op.host_only:
        first, second = (graph.tensors[one.tensor].format.name for one in step.nest.operands[:2])
        return f"the array of {hardware.name} has no {first}*{second}"
    names = [name for name in (*step.node.inputs, *step.node.outputs) if name]
    formats = [graph.tensors[name].format for name in names]
    floating = sorted({fmt.name for fmt in formats if not fmt.is_integer})
    if floating:
        return f"has {' and '.join(floating)} tensors"
    return f"vector_unit.rates has no {step.nest.rate}"


def _why_not_executed(graph: Graph, hardware: Hardware, step: Step) -> str:
    """Why the kernels do not take this node, which is then counted only; empty if they do."""
    from npusim.api import choose_profile
    from npusim.ir.ops.narrow_floats import bind_operator
    from npusim.kernels.table import kernels

    ins, outs = graph.operands(step.node)
    summed = hardware.mac_array.accumulation(step.pair) if step.pair else None
    profile = choose_profile(None, hardware, graph)
    try:
        bind_operator(step.node.op, ins, outs, profile, kernels("reference").summing(summed))
    except UnsupportedModelError as error:
        return f"counted, not executed: {'; '.join(p.what for p in error.problems)}"
    return ""


def _print(rows: Sequence[Row]) -> None:
    """One line an operator, with a second one if there is something to say; then the sums."""
    from npusim.cli.output import results
    from npusim.report.names import shortened
    from npusim.report.summary import printable

    console = results()
    kinds = max((len(row.op) for row in rows), default=0)
    margin = PLACE_WIDTH + kinds + (2 if kinds else 0)
    for row in rows:
        head = f"{row.on:<{PLACE_WIDTH}}{row.op:<{margin - PLACE_WIDTH}}"
        room = max(20, console.width - margin)
        click.echo(head + shortened(printable(row.node), room, console.options.ascii_only))
        if row.remark:
            click.echo(f"{'':<{margin}}{printable(row.remark)}")
    found = [(place, sum(row.on == place for row in rows)) for place in PLACES]
    click.echo(f"{len(rows)} operators: " + ", ".join(f"{n} {place}" for place, n in found if n))


def _write_json(target: str, text: str) -> None:
    from npusim.report import write_atomically

    if target == STDOUT:
        click.echo(text, nl=False)
    else:
        write_atomically(target, text)

"""`npusim models`: the built-in networks, what they cost, and the figures that they are held to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from npusim.cli.completion import NETWORK
from npusim.errors import Problem, UsageError, nearest_name
from npusim.models.catalog import NAMES

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.ir.graph import Graph
    from npusim.models.network import Network
    from npusim.report.summary import Column

SCHEMA = "npusim.models/1"
TRAINED = {
    "digits": "handwritten digits; trained, with test data",
    "digits-float": "the same before it was quantized, with samples to quantize it by",
}
"""Names and summaries."""
BUILT_IN = (*TRAINED, *NAMES)
DIGITS = 4
LABEL = 14
"""Cells of the labels on the left of `show`."""


@click.group(short_help="Built-in networks.")
def models() -> None:
    """Built-in networks: their names, sizes, published figures and layers."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_models(as_json: bool) -> None:
    """The built-in networks, with the published figures beside ours."""
    found = [_network(name) for name in BUILT_IN]
    graphs = [one.build() for one in found]
    if as_json:
        rows = [_figures(one, graph) for one, graph in zip(found, graphs, strict=True)]
        click.echo(json.dumps({"schema": SCHEMA, "models": rows}, indent=2))
        return
    from npusim.cli.output import results
    from npusim.report.terminal import table

    console = results()
    columns = _columns(found, graphs)
    console.print(table(columns, console.width, console.options.ascii_only))
    trained = " and ".join(f"'{name}'" for name in TRAINED)
    click.echo(f"Weights are synthetic, those of {trained} are trained.")


@models.command(short_help="Layers, inputs and figures of one.")
@click.argument("name", type=NETWORK)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(name: str, as_json: bool) -> None:
    """Layers by kind, inputs and outputs, published figures and omissions of NAME."""
    from npusim.models.structure import layer_kinds

    if name not in BUILT_IN:
        what = f"no built-in network of this name{nearest_name(name, BUILT_IN)}"
        raise UsageError(Problem(name, f"{what}; known: {', '.join(BUILT_IN)}"))
    found = _network(name)
    graph = found.build()
    if as_json:
        kinds = [asdict(kind) for kind in layer_kinds(graph)]
        document = {"schema": SCHEMA, **_figures(found, graph), "layers": kinds}
        click.echo(json.dumps(document, indent=2))
        return
    _show(found, graph)


def _network(name: str) -> Network:
    """A network of the catalog; a trained model as one, for which nobody else has figures."""
    from npusim import api
    from npusim.models.catalog import network
    from npusim.models.network import Network

    if name in NAMES:
        return network(name)
    return Network(name, TRAINED[name], lambda: api.load_model(name).graph, None)


def _figures(found: Network, graph: Graph) -> dict[str, Any]:
    """One network, as both JSON documents have it."""
    from npusim.models.structure import total_macs
    from npusim.report.build import tensor_info

    return {
        "name": found.name,
        "summary": found.summary,
        "inputs": [asdict(tensor_info(graph.tensors[name])) for name in graph.inputs],
        "outputs": [asdict(tensor_info(graph.tensors[name])) for name in graph.outputs],
        "macs": total_macs(graph),
        "parameters": graph.parameters,
        "published": None if found.published is None else asdict(found.published),
        "left_out": found.left_out,
        "sha256": graph.sha256,
    }


def _millions(count: float) -> str:
    from npusim.report.quantities import significant

    return significant(count / 1e6, DIGITS)


def _shape(graph: Graph, name: str) -> str:
    return "x".join(map(str, graph.tensors[name].shape))


def _columns(found: Sequence[Network], graphs: Sequence[Graph]) -> list[Column]:
    """The columns of the list; where there is no room for all, the sources go first."""
    from npusim.models.structure import total_macs
    from npusim.report.summary import Column

    given = [one.published for one in found]
    macs = tuple(_millions(one.macs) if one else "-" for one in given)
    parameters = tuple(_millions(one.parameters) if one else "-" for one in given)
    sources = tuple(one.source.partition(",")[0] if one else "-" for one in given)
    return [
        Column("", tuple(one.name for one in found), 9, True),
        Column("input", tuple(_shape(graph, graph.inputs[0]) for graph in graphs), 4, True),
        Column("MACs, M", tuple(_millions(total_macs(graph)) for graph in graphs), 6),
        Column("published", macs, 3),
        Column("params, M", tuple(_millions(graph.parameters) for graph in graphs), 5),
        Column("published", parameters, 2),
        Column("source", sources, 1, True),
    ]


def _show(found: Network, graph: Graph) -> None:
    """Text in the width of the terminal: the network, its tensors, its layers by kind."""
    from npusim.cli.output import results
    from npusim.models.structure import layer_kinds
    from npusim.report.summary import Column
    from npusim.report.terminal import print_line, table

    console = results()
    print_line(f"{found.name}: {found.summary}", "bold", console)
    for label, names in (("input", graph.inputs), ("output", graph.outputs)):
        for name in names:
            tensor = graph.tensors[name]
            click.echo(f"{label:<{LABEL}}{name}, {tensor.format.name} {_shape(graph, name)}")
    for label, text in _described(found, graph):
        _print_labelled(label, text, console)
    click.echo()
    kinds = layer_kinds(graph)
    columns = [
        Column("layers", tuple(kind.kind for kind in kinds), 4, True),
        Column("number", tuple(f"{kind.layers:,}" for kind in kinds), 3),
        Column("MACs", tuple(f"{kind.macs:,}" for kind in kinds), 2),
        Column("parameters", tuple(f"{kind.parameters:,}" for kind in kinds), 1),
    ]
    console.print(table(columns, console.width, console.options.ascii_only))


def _described(found: Network, graph: Graph) -> Iterator[tuple[str, str]]:
    """Labels and texts: our figures beside the published ones, and what these count."""
    from npusim.models.structure import total_macs

    macs, published = total_macs(graph), found.published
    if published is None:
        yield "MACs", f"{macs:,}"
        yield "parameters", f"{graph.parameters:,}"
        return
    pairs = (
        ("MACs", macs, published.macs),
        ("parameters", graph.parameters, published.parameters),
    )
    for label, ours, theirs in pairs:
        yield label, f"{ours:,}; published: {theirs:,.0f} ({100 * (ours / theirs - 1):+.2f} %)"
    yield "published by", published.source
    yield "counted", published.counts
    if found.left_out:
        yield "left out", found.left_out


def _print_labelled(label: str, text: str, console: Console) -> None:
    """`text` in as many lines as it needs, beside its label."""
    from rich.text import Text

    for line in Text(text).wrap(console, max(20, console.width - LABEL)):
        click.echo(f"{label:<{LABEL}}{line.plain.rstrip()}")
        label = ""

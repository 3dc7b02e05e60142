"""`npusim ops` without a model: everything that is supported."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import click

from npusim.cli.destination import STDOUT, check_destinations
from npusim.cli.output import results

if TYPE_CHECKING:
    from npusim.frontend.catalogue import Entry

SCHEMA = "npusim.operators/1"


def show_catalogue(json_to: str | None) -> None:
    """Print the list of operators, or write it as JSON, or both."""
    from npusim.frontend.catalogue import COMPOSED, ENTRIES
    from npusim.report import write_atomically

    check_destinations({"--json": json_to}, ())
    rows = [_row(entry) for entry in ENTRIES]
    text = json.dumps({"schema": SCHEMA, "operators": rows, "composed": COMPOSED}, indent=2) + "\n"
    if json_to == STDOUT:
        click.echo(text, nl=False)
        return
    if json_to is not None:
        write_atomically(json_to, text)
    width = results().width
    for row in rows:
        _print(row, width)
    for framework, names in COMPOSED.items():
        for name, parts in names.items():
            click.echo(_wrapped(f"{name} ({framework}): {parts}", width, ""))


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "operator": entry.op.kind,
        "tflite": entry.names("tflite"),
        "onnx": entry.names("onnx"),
        "attributes": entry.attributes,
        "data_types": {name: entry.formats(name) for name in ("tflite", "onnx")},
        "data_types_in_words": entry.data_types,
        "note": entry.note,
    }


def _print(row: dict[str, Any], width: int) -> None:
    """One operator: its name and data types, then what else there is to say."""
    click.echo(_wrapped(f"{row['operator']:<20}{row['data_types_in_words']}", width, " " * 20))
    further = (
        ("attributes", ", ".join(row["attributes"])),
        ("TFLite", ", ".join(row["tflite"])),
        ("ONNX", ", ".join(row["onnx"])),
        ("limits", row["note"]),
    )
    for label, words in further:
        if words:
            click.echo(_wrapped(f"    {label:<16}{words}", width, " " * 20))


def _wrapped(line: str, width: int, indent: str) -> str:
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False)

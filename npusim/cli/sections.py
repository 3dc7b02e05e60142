"""Commands whose help lists their options in sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

RUN = {
    "Hardware": ("--hw", "--set"),
    "Model": ("--batch", "--shape", "--encodings", "--partial-encodings", "--assume"),
    "Schedule": ("--objective", "--effort", "--mapping", "--dump-mapping"),
    "Execution": (
        "--inputs", "--normalize", "--color-order", "--outputs", "--labels", "--numerics",
        "--requantize", "--seed", "--stream", "--compare-to",
    ),
    "Results": ("--json", "--csv", "--plot", "--plot-kind", "--trace", "--layers", "--quiet"),
}  # fmt: skip
"""Sections of `npusim run`."""

SWEEP = {
    "Space": ("--hw", "--set", "--vary", "--constraint", "--sample", "--seed"),
    "Models": ("--batch", "--shape", "--assume", "--inputs", "--labels"),
    "Goals": ("--objective", "--pareto"),
    "Running": ("--store", "--workers", "--shard", "--engine", "--scheduler"),
    "Results": ("--front", "--csv", "--parquet", "--json", "--plot", "--plot-kind", "--quiet"),
}  # fmt: skip
"""Sections of `npusim sweep`."""


class SectionedCommand(click.Command):
    """A command with many options: `sections` says which stand together, by their first names.

    Options that no section has come last, under click's own heading.
    """

    def __init__(
        self, *args: Any, sections: Mapping[str, tuple[str, ...]], **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options a section."""
        left = {
            parameter.opts[0]: record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            and (record := parameter.get_help_record(ctx)) is not None
        }
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([left.pop(name) for name in names])
        with formatter.section("Options"):
            formatter.write_dl(list(left.values()))

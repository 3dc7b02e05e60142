"""`npusim study`: what number formats and precisions are worth."""

from __future__ import annotations

import click

from npusim.cli.study_precisions import precisions


@click.group(short_help="What precisions and number formats are worth.")
def study() -> None:
    """Studies: what each precision of a network buys on a hardware."""


study.add_command(precisions)

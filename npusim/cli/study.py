"""`npusim study`: what number formats and precisions are worth."""

from __future__ import annotations

import click

from npusim.cli.study_formats import formats
from npusim.cli.study_precisions import precisions


@click.group(short_help="What precisions and number formats are worth.")
def study() -> None:
    """Studies: what number formats keep of data, what each precision of a network buys."""


study.add_command(formats)
study.add_command(precisions)

"""`npusim sweep-merge`: the stores of shards as one."""

from __future__ import annotations

import click

from npusim.cli import options
from npusim.cli.completion import FILE
from npusim.errors import Problem, UsageError


@click.command("sweep-merge", short_help="Join the stores of a sweep's shards.")
@click.argument("out", type=FILE, metavar="OUT")
@click.argument("parts", nargs=-1, required=True, type=FILE, metavar="IN...")
@click.option("--skip-damaged", is_flag=True,
              help="Leave out rows that are damaged; save all others.")  # fmt: skip
@options.quiet_option
def sweep_merge(out: str, parts: tuple[str, ...], skip_damaged: bool, quiet: bool) -> None:
    """Add the points of every store IN to the store OUT, which is made if it is not there."""
    from npusim.sweep.store import Store

    if out in parts:
        raise UsageError(Problem("OUT", f"{out} is one of IN too"))
    opened = [Store(path, unchecked=True) for path in parts]
    target = Store(out, opened[0].about)
    for store in opened:
        store.close()
    added = sum(target.absorb(path, skip_damaged) for path in parts)
    total = sum(target.counts().values())
    target.close()
    if not quiet:
        click.echo(f"{out}: {total} points, {added} of them new")

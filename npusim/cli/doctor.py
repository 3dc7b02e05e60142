"""`npusim doctor`: is this installation sound, and do all kernels give the right bits?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import EXIT_SIMULATION_SAYS_NO

if TYPE_CHECKING:
    from npusim.doctor.environment import Environment
    from npusim.doctor.selfcheck import Progress, SelfCheck
    from npusim.doctor.speeds import Speed

SCHEMA = "npusim.doctor/1"
LABEL = 12
"""Cells of the labels on the left."""


@click.command(short_help="Check this installation and its kernels.")
@click.option("--quick", is_flag=True, help="Don't measure how fast the kernels are.")
@options.json_option
@options.quiet_option
def doctor(quick: bool, json_to: str | None, quiet: bool) -> int:
    """Versions, cache and kernels of this installation; every kernel is compared with its
    reference (exit code 1 if one differs), and its speed is measured."""
    check_destinations({"--json": json_to}, ())
    from npusim.doctor.environment import environment
    from npusim.doctor.selfcheck import self_check

    with _progress(quiet) as progress:
        checked = self_check(progress=progress)
        measured = [] if quick else _speeds(checked, progress)
    found = environment()
    if json_to is not None:
        _write_json(json_to, found, checked, measured)
    if json_to != STDOUT:
        _print(found, checked, measured)
    return 0 if checked.agrees else EXIT_SIMULATION_SAYS_NO


def _speeds(checked: SelfCheck, progress: Progress | None) -> list[Speed]:
    from npusim.doctor.speeds import speeds

    return speeds(checked, progress)


def _write_json(
    target: str, found: Environment, checked: SelfCheck, measured: Sequence[Speed]
) -> None:
    document = {
        "schema": SCHEMA, **asdict(found), "self_check": {"agrees": checked.agrees,
        **asdict(checked)}, "speeds": [asdict(speed) for speed in measured],
    }  # fmt: skip
    text = json.dumps(document, indent=2) + "\n"
    if target == STDOUT:
        click.echo(text, nl=False)
        return
    from npusim.report import write_atomically

    write_atomically(target, text)


def _print(found: Environment, checked: SelfCheck, measured: Sequence[Speed]) -> None:
    """Lines of a label and what there is to say, wrapped at the width of the console."""
    from rich.table import Table
    from rich.text import Text

    from npusim.cli.output import results

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=LABEL)
    grid.add_column(overflow="fold")
    for label, text in (*_installation(found), *_kernels(checked, measured)):
        grid.add_row(Text(label, "bold"), Text(text))
    results().print(grid)


def _installation(found: Environment) -> Iterator[tuple[str, str]]:
    from npusim.report.quantities import BYTES, shown

    yield "npusim", f"{found.npusim}, {found.python}, {found.platform}"
    versions = (f"{name} {version or 'unknown'}" for name, version in found.versions.items())
    yield "packages", ", ".join(versions)
    for package in found.optional:
        missing = f"missing: pip install 'npusim[{package.extra}]'"
        yield package.name, package.version or missing
    instructions = f" ({found.instructions})" if found.instructions else ""
    built = "" if found.instructions else "; the C kernels were not built"
    yield "kernels", f"{found.kernels}{instructions}{built}"
    cache = found.cache
    state = "" if cache.writable else ", can't be written: every run compiles anew"
    yield "cache", f"{cache.folder}, {shown(cache.bytes, BYTES)}{state}"


def _kernels(checked: SelfCheck, measured: Sequence[Speed]) -> Iterator[tuple[str, str]]:
    """A path, what its kernels do in a second, then each that differs or was not checked."""
    for path in dict.fromkeys(check.path for check in checked.checks):
        own = [check for check in checked.checks if check.path == path]
        right, cases = sum(check.agrees for check in own), sum(check.cases for check in own)
        yield path, f"{right} of {len(own)} kernels equal the reference in {cases:,} cases"
        fast = [speed for speed in measured if speed.path == path]
        if fast:
            yield "", ", ".join(f"{speed.kernel} {_shown(speed)}" for speed in fast)
    for check in checked.checks:
        if not check.agrees:
            reason = f": {check.error}" if check.error else ""
            where = f"{check.kernel} in {check.path}"
            yield "DIFFERS", f"{where}, {check.differing} of {check.cases} cases{reason}"
    for path, kernel in checked.unchecked:
        yield "NOT CHECKED", f"{kernel} in {path}"
    if checked.reference_only:
        yield "reference", _listed(checked.reference_only)


def _shown(speed: Speed) -> str:
    from npusim.doctor.speeds import OPERATIONS

    operations = speed.unit == OPERATIONS
    return (
        f"{speed.per_second / 1e9:.1f} GOP/s"
        if operations
        else (f"{speed.per_second / 1e6:,.0f} M/s")
    )


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)} kernels have no other version: {', '.join(sorted(names))}"


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """The path that is being checked, on stderr, if somebody looks at it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("drawing cases") as status:
        yield lambda path: status.update(f"checking kernels: {path}")

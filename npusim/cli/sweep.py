"""`npusim sweep`: a design space on the command line or in a file, its table and its front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from npusim.cli import options
from npusim.cli.completion import FILE, HARDWARE, MODEL
from npusim.cli.destination import check_destinations
from npusim.errors import EXIT_BUG, EXIT_SIMULATION_SAYS_NO, Problem, UsageError

if TYPE_CHECKING:
    from npusim.sweep.engine import Told
    from npusim.sweep.result import Sweep
    from npusim.sweep.space import Space

INTERRUPTED = 130
ENGINES = ("local", "dask")
DESCRIPTIONS = (".yaml", ".yml")
BUNDLED = "digits"


@click.command(short_help="A design space: every point simulated, and the Pareto front.")
@click.argument("given", nargs=-1, metavar="[MODEL... | FILE.yaml]", type=MODEL)
@click.option("--hw", "hardware", type=HARDWARE, metavar="HW",
              help="The hardware whose fields vary.  [default: edge-npu-1]")  # fmt: skip
@options.set_option
@click.option(
    "--vary", "varied", multiple=True, metavar="PATH=VALUES",
    help="A field and its values: 16,32,64 or 64 KiB:1 MiB:+64 KiB or 256KiB:8MiB:x2; PATH+PATH "
    "vary together; assume=int8,fp16 varies the format of float models.",
)  # fmt: skip
@click.option(
    "--constraint", "constraints", multiple=True, metavar="CONDITION",
    help="What a point must meet: 'rows * cols <= 4096 and size >= 64 KiB'. There are + - * / // "
    "%, comparisons, and, or, not, min, max, abs.",
)  # fmt: skip
@options.assume_option
@click.option("--objective", "goal", type=click.Choice(options.OBJECTIVES),
              help="What schedules are chosen for.  [default: latency]")  # fmt: skip
@click.option("--pareto", metavar="NAME,NAME,...",
              help="What the front is of.  [default: latency,energy,area]")  # fmt: skip
@click.option("--sample", metavar="SAMPLE",
              help="grid, random:N or lhs:N (Latin hypercube).  [default: grid]")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="Of what is drawn.  [default: 0]")
@click.option("--store", type=FILE, metavar="FILE",
              help="Keep all points in this SQLite file, and go on from it.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 4096), metavar="N",
              help="Processes.  [default: one a processor]")  # fmt: skip
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts; see sweep-merge.")
@click.option("--csv", "csv_to", type=FILE, metavar="FILE", help="Write one row a point.")
@click.option("--parquet", "parquet_to", type=FILE, metavar="FILE", help="The same as Parquet.")
@options.quiet_option
def sweep(
    given: tuple[str, ...], hardware: str | None, overrides: tuple[str, ...],
    varied: tuple[str, ...], constraints: tuple[str, ...], assume: str | None, goal: str | None,
    pareto: str | None, sample: str | None, seed: int | None, store: str | None,
    workers: int | None, shard: str | None, csv_to: str | None, parquet_to: str | None, quiet: bool,
) -> int:  # fmt: skip
    """Simulate every point of a design space: MODELs on a hardware whose fields vary.

    A FILE.yaml of a space has the same in keys; options come on top of it.
    """
    check_destinations({"--store": store, "--csv": csv_to, "--parquet": parquet_to}, given)
    stated = {
        "hardware": hardware, "assume": assume, "schedule": goal, "sample": sample, "seed": seed,
        "objectives": pareto and [name.strip() for name in pareto.split(",")],
    }  # fmt: skip
    space = _space(given, stated, overrides, varied, constraints)
    part = _shard(shard)
    from npusim.cli.output import results
    from npusim.cli.warmup import announce_compilation
    from npusim.sweep.local import default_workers
    from npusim.sweep.run import sweep as run

    announce_compilation(quiet)
    try:
        with _progress(quiet) as told:
            found = run(space, None, None, store, workers or default_workers(), part, told)
    except KeyboardInterrupt:
        kept = f"what is done is in {store}: the same command goes on" if store else (
            "nothing is kept: --store FILE would keep what is done"
        )  # fmt: skip
        click.echo(f"interrupted; {kept}", err=True)
        return INTERRUPTED
    if csv_to is not None:
        found.to_csv(csv_to)
    if parquet_to is not None:
        found.to_parquet(parquet_to)
    _print(found, results())
    return _exit_code(found)


def _space(
    given: tuple[str, ...], stated: Mapping[str, Any], overrides: tuple[str, ...],
    varied: tuple[str, ...], constraints: tuple[str, ...],
) -> Space:  # fmt: skip
    """The space of the files and options of a command line."""
    from npusim.hardware.layers import as_pairs
    from npusim.sweep.axis import AxisError, split_vary
    from npusim.sweep.build import merged_space

    files = [name for name in given if name.lower().endswith(DESCRIPTIONS)]
    models = [name for name in given if name not in files]
    problems = []
    if len(files) > 1:
        problems.append(Problem("FILE", f"one space at a time: {' '.join(files)}"))
    axes: dict[str, str] = {}
    for text in varied:
        try:
            name, values = split_vary(text)
        except AxisError as error:
            problems.append(Problem(f"--vary {text}", str(error)))
            continue
        if name in axes:
            problems.append(Problem(f"--vary {name}", "is given twice"))
        axes[name] = values
    if not (files or axes or problems):
        what = "nothing varies: give --vary PATH=VALUES, for example mac_array.rows=16,32,64"
        problems.append(Problem("--vary", what))
    if problems:
        raise UsageError(problems)
    options = {key: value for key, value in stated.items() if value is not None}
    options |= {"set": dict(as_pairs(overrides)), "vary": axes, "constraints": list(constraints)}
    return merged_space(files[0] if files else None, options, models, BUNDLED)


def _shard(text: str | None) -> tuple[int, int]:
    """(i, n) of `I/N`."""
    part, slash, parts = (text or "1/1").partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UsageError(Problem("--shard", f"{text!r} is not I/N with I from 1 to N"))
    return int(part), int(parts)


@contextmanager
def _progress(quiet: bool) -> Iterator[Told | None]:
    """What to tell of progress: a bar on stderr where that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeLeft())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, rate="")

        def told(state: Any) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0.0
            rate = f"{speed:.0f} points/s, {state.infeasible} infeasible"
            bar.update(task, completed=state.done, total=state.total, rate=rate)

        yield told


def _print(found: Sweep, console: Any) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in found.counts().items())
    console.print(f"{len(found)} points: {counts}")
    for status, reason, count in found.reasons()[:5]:
        console.print(f"  {count} {status}: {reason}")


def _exit_code(found: Sweep) -> int:
    counts = found.counts()
    if "failed" in counts:
        click.echo(f"{counts['failed']} points failed by a bug of npusim: please report", err=True)
        return EXIT_BUG
    return 0 if counts.get("ok") else EXIT_SIMULATION_SAYS_NO

"""`npusim sweep`: a design space on the command line or in a file, its table and its front."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from npusim.cli import options
from npusim.cli.completion import FILE, HARDWARE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.cli.sections import SWEEP, SectionedCommand
from npusim.errors import EXIT_BUG, EXIT_SIMULATION_SAYS_NO, Problem, UsageError

if TYPE_CHECKING:
    from npusim.sweep.result import Sweep

INTERRUPTED = 130
ENGINES = ("local", "dask")
PLOT_KINDS = ("all", "scatter", "heat_map", "parallel")


@dataclass(frozen=True)
class Request:
    """What a command line asks for; the names are those of the options."""

    given: tuple[str, ...]
    hardware: str | None
    overrides: tuple[str, ...]
    varied: tuple[str, ...]
    constraints: tuple[str, ...]
    shapes: tuple[str, ...]
    inputs: str | None
    labels: str | None
    batch: int | None
    assume: str | None
    goal: str | None
    pareto: str | None
    sample: str | None
    seed: int | None
    store: str | None
    engine: str
    scheduler: str | None
    workers: int | None
    shard: str | None
    csv_to: str | None
    parquet_to: str | None
    plot_to: str | None
    plot_kind: str
    most_front: int
    json_to: str | None
    quiet: bool

    def check(self) -> None:
        """Refuse what cannot be done, before the work begins."""
        targets = {"--store": self.store, "--csv": self.csv_to, "--parquet": self.parquet_to,
                   "--plot": self.plot_to, "--json": self.json_to}  # fmt: skip
        check_destinations(targets, (*self.given, self.inputs, self.labels))
        problems = []
        if self.engine == "dask" and self.scheduler is None:
            problems.append(Problem("--engine dask", "needs the --scheduler ADDRESS of a cluster"))
        if self.engine != "dask" and self.scheduler is not None:
            problems.append(Problem("--scheduler", "is for --engine dask"))
        if (self.inputs is None) != (self.labels is None):
            what = "go together: samples, and the class of each"
            problems.append(Problem("--inputs and --labels", what))
        if self.workers is not None and self.engine == "dask":
            problems.append(Problem("--workers", "are those that the Dask scheduler has"))
        if problems:
            raise UsageError(problems)
        if self.plot_to is not None:
            from npusim.report.plots import ending_of, require_matplotlib

            ending_of(self.plot_to)
            require_matplotlib()
        if self.parquet_to is not None:
            from npusim.sweep.parquet import check_parquet

            check_parquet()

    @property
    def part(self) -> tuple[int, int]:
        """(i, n) of `--shard I/N`; the whole by default."""
        part, slash, parts = (self.shard or "1/1").partition("/")
        numbers = slash and part.isdecimal() and parts.isdecimal()
        if not numbers or not 1 <= int(part) <= int(parts):
            raise UsageError(Problem("--shard", f"{self.shard!r} is not I/N with I from 1 to N"))
        return int(part), int(parts)


@click.command(
    cls=SectionedCommand,
    sections=SWEEP,
    short_help="A design space: every point simulated, and the Pareto front.",
)
@click.argument("given", nargs=-1, metavar="[MODEL... | FILE.yaml]", type=MODEL)
@click.option("--hw", "hardware", type=HARDWARE, metavar="HW",
              help="The hardware whose fields vary.  [default: edge-npu-1]")  # fmt: skip
@options.set_option
@click.option(
    "--vary", "varied", multiple=True, metavar="PATH=VALUES",
    help="A field and its values: 16,32,64 or 64KiB:1MiB:+64KiB or 256KiB:8MiB:x2; PATH+PATH "
    "vary together. assume=int8,fp16 varies the format of float models, model=A,B the model.",
)  # fmt: skip
@click.option(
    "--constraint", "constraints", multiple=True, metavar="CONDITION",
    help="What a point must meet: 'rows * cols <= 4096 and size >= 64 KiB'. There are + - * / // "
    "%, comparisons, and, or, not, min, max, abs.",
)  # fmt: skip
@click.option("--inputs", type=FILE, metavar="FILE.npz",
              help="Samples of all models: finds their accuracy.")  # fmt: skip
@click.option("--labels", type=FILE, metavar="FILE.npz", help="The classes of --inputs.")
@options.batch_option
@options.shape_option
@options.assume_option
@click.option("--objective", "goal", type=click.Choice(options.OBJECTIVES),
              help="What schedules are chosen for.  [default: latency]")  # fmt: skip
@click.option("--pareto", metavar="NAME,NAME,...",
              help="What the front is of: latency, first_inference, throughput, energy, edp, "
              "power, area, dram, sram_peak, tops, tops_per_watt, tops_per_mm2, utilization, "
              "accuracy; with several models also 'latency of MODEL'.  "
              "[default: latency,energy,area]")  # fmt: skip
@click.option("--sample", metavar="SAMPLE",
              help="grid, random:N, lhs:N (Latin hypercube), optuna:N (NSGA-II) or optuna-tpe:N.  "
              "[default: grid]")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="Of what is drawn.  [default: 0]")
@click.option("--store", type=FILE, metavar="FILE",
              help="Keep all points in this SQLite file, and go on from it.")  # fmt: skip
@click.option("--engine", type=click.Choice(ENGINES), default="local", show_default=True,
              help="Processes of this machine, or a Dask cluster.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Of the cluster: tcp://HOST:8786.")
@click.option("--workers", type=click.IntRange(1, 4096), metavar="N",
              help="Processes.  [default: one a processor]")  # fmt: skip
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts; see sweep-merge.")
@click.option("--csv", "csv_to", type=FILE, metavar="FILE", help="Write one row a point.")
@click.option("--parquet", "parquet_to", type=FILE, metavar="FILE", help="The same as Parquet.")
@click.option("--plot", "plot_to", type=FILE, metavar="FILE",
              help="Draw the points and their front: FILE.png, .svg or .pdf.")  # fmt: skip
@click.option("--plot-kind", type=click.Choice(PLOT_KINDS), default="all",
              help="What --plot draws; all three on a page by default.")  # fmt: skip
@click.option("--front", "most_front", type=click.IntRange(min=0), default=12, metavar="N",
              show_default=True, help="Print N points of the front; 0 for all.")  # fmt: skip
@options.json_option
@options.quiet_option
def sweep(**given: Any) -> int:
    """Simulate every point of a design space: MODELs on a hardware whose fields vary.

    A FILE.yaml of a space has the same in keys; options come on top of it.

    \b
    npusim sweep mobilenet-v2 --vary mac_array.rows+mac_array.cols=16,32,64 --store points.db
    npusim sweep resnet-50 --vary clock=300MHz:1GHz:+100MHz --vary memory.sram.size=1MiB:8MiB:x2
    npusim sweep digits --vary mac_array.accumulator.format=int32,int16 --pareto energy,accuracy
    npusim sweep space.yaml --sample optuna:500 --csv points.csv --plot front.png
    """
    request = Request(**given)
    request.check()
    part = request.part
    from npusim.cli.sweep_space import check_plot, space_of_request
    from npusim.cli.warmup import announce_compilation

    space = space_of_request(request)
    if request.plot_to is not None:
        check_plot(request.plot_kind, space)
    announce_compilation(request.quiet)
    try:
        found = _run(request, space, part)
    except KeyboardInterrupt:
        kept = f"what is done is in {request.store}: the same command goes on"
        lost = "nothing is kept: --store FILE would keep what is done"
        click.echo(f"interrupted; {kept if request.store else lost}", err=True)
        return INTERRUPTED
    _write(request, found)
    counts = found.counts()
    if "failed" in counts:
        click.echo(f"{counts['failed']} points failed by a bug of npusim: please report", err=True)
        return EXIT_BUG
    return EXIT_SIMULATION_SAYS_NO if counts and "ok" not in counts else 0


def _run(request: Request, space: Any, part: tuple[int, int]) -> Sweep:
    from npusim.cli.sweep_progress import progress
    from npusim.sweep.local import default_workers
    from npusim.sweep.run import sweep as run

    executor: Executor | None = None
    workers = request.workers or default_workers()
    if request.scheduler is not None:
        from npusim.sweep.cluster import Cluster

        executor = Cluster(request.scheduler)
        workers = executor.workers
    try:
        with progress(request.quiet) as told:
            return run(space, None, executor, request.store, workers, part, told)
    finally:
        if executor is not None:
            executor.shutdown()


def _write(request: Request, found: Sweep) -> None:
    """Files and tables of what was found."""
    import json

    from npusim.cli.output import results
    from npusim.report import write_atomically
    from npusim.sweep.printed import print_summary

    if request.csv_to is not None:
        found.to_csv(request.csv_to)
    if request.parquet_to is not None:
        found.to_parquet(request.parquet_to)
    if not found.counts():
        click.echo("no points: this shard is empty", err=True)
        return
    summary = found.summary()
    if request.plot_to is not None and summary.feasible:
        from npusim.report.plots import ending_of, image_of

        figure = found.plot(request.plot_kind)
        write_atomically(request.plot_to, image_of(figure, ending_of(request.plot_to)))
    elif request.plot_to is not None:
        click.echo(f"{request.plot_to} is not drawn: no point is feasible", err=True)
    text = json.dumps(summary.to_dict(), indent=2) + "\n"
    if request.json_to == STDOUT:
        click.echo(text, nl=False)
        return
    if request.json_to is not None:
        write_atomically(request.json_to, text)
    print_summary(summary, results(), request.most_front)

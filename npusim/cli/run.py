"""`npusim run`: one model on one hardware; without arguments the bundled model and its images."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import numpy as np

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL, PROFILE
from npusim.cli.destination import STDOUT, check_destinations
from npusim.cli.samples import files_read, problems_of_inputs
from npusim.cli.sections import RUN, SectionedCommand
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from npusim.api import Progress
    from npusim.hardware.schema import Hardware
    from npusim.ir.graph import Graph
    from npusim.report import Report
    from npusim.schedule.program import Program
    from npusim.validate.agreement import Agreement
    from npusim.validate.oracles import Oracle

BUNDLED = "digits"


@dataclass(frozen=True)
class Request:
    """The options of `npusim run`, as they were given."""

    model: str | None
    hardware: str
    overrides: tuple[str, ...]
    batch: int | None
    shapes: tuple[str, ...]
    encodings: str | None
    partial_encodings: bool
    objective: str
    effort: str
    assume: str | None
    mapping: str | None
    mapping_to: str | None
    inputs: tuple[str, ...]
    outputs_to: str | None
    labels: str | None
    normalize: str | None
    colour_order: str | None
    numerics: bool | None
    requantize: str | None
    seed: int | None
    stream: bool
    compare_to: str | None
    json_to: str | None
    csv_to: str | None
    plot_to: str | None
    plot_kind: str | None
    trace_to: str | None
    layers: int
    quiet: bool

    @property
    def model_name(self) -> str:
        """The model as it was named, or the bundled one."""
        return BUNDLED if self.model is None else self.model

    @property
    def executes(self) -> bool:
        """True if the kernels run: asked for, or there is something to run them on."""
        if self.numerics is not None:
            return self.numerics
        given = bool(self.inputs) or self.compare_to is not None
        return given or self.is_demonstration

    @property
    def is_demonstration(self) -> bool:
        """True if nobody said which model or inputs: the bundled ones are taken."""
        return self.model is None and not self.inputs and self.seed is None

    @property
    def draws(self) -> bool:
        """True if inputs are random."""
        return self.executes and not self.inputs and not self.is_demonstration

    def check(self) -> None:
        """UsageError for options that contradict each other, or results that have no place."""
        problems = []
        if not self.executes:
            for option, given in (
                ("--inputs", self.inputs or None), ("--outputs", self.outputs_to),
                ("--labels", self.labels), ("--requantize", self.requantize),
                ("--compare-to", self.compare_to),
                ("--seed", None if self.seed is None else str(self.seed)),
            ):  # fmt: skip
                if given is not None:
                    how = "--numerics" if option == "--seed" else "--inputs or --numerics"
                    what = f"nothing is executed: give {how}"
                    problems.append(Problem(option, what))
        if self.assume is not None and self.executes:
            what = "a model at an assumed format is counted, it can't be executed: --no-numerics"
            problems.append(Problem("--assume", what))
        if self.encodings is not None and self.compare_to is not None:
            what = "the framework knows no encodings: npusim export first, and run what it writes"
            problems.append(Problem("--compare-to", what))
        if self.stream and not self.inputs:
            problems.append(Problem("--stream", "needs samples that follow each other: --inputs"))
        if self.labels is not None and not self.inputs and not problems:
            problems.append(Problem("--labels", "needs the samples that they belong to: --inputs"))
        if self.seed is not None and self.inputs:
            problems.append(Problem("--seed", "draws the inputs that --inputs gives"))
        if self.seed is not None and self.seed < 0:
            problems.append(Problem("--seed", f"{self.seed} is negative"))
        if self.outputs_to == STDOUT:
            problems.append(Problem("--outputs", "arrays go to a file, not to stdout"))
        if self.trace_to == STDOUT:
            problems.append(Problem("--trace", "a trace goes to a file, not to stdout"))
        if self.json_to == STDOUT and self.csv_to == STDOUT:
            problems.append(Problem("--csv", "stdout is taken by --json"))
        if self.mapping_to == STDOUT and STDOUT in (self.json_to, self.csv_to):
            problems.append(Problem("--dump-mapping", "stdout is taken by --json or --csv"))
        problems += problems_of_inputs(self.inputs, self.normalize, self.colour_order)
        if self.plot_kind is not None and self.plot_to is None:
            problems.append(Problem("--plot-kind", "needs a file for the plot: --plot FILE.png"))
        if problems:
            raise UsageError(problems)
        targets = {
            "--json": self.json_to, "--csv": self.csv_to,
            "--outputs": self.outputs_to, "--dump-mapping": self.mapping_to,
            "--plot": self.plot_to, "--trace": self.trace_to,
        }  # fmt: skip
        sources = (
            self.model, self.hardware, self.mapping, *files_read(self.inputs), self.labels,
            self.encodings,
        )  # fmt: skip
        check_destinations(targets, sources)
        if self.plot_to is not None:
            from npusim.report.plots import ending_of, require_matplotlib

            ending_of(self.plot_to)
            require_matplotlib()


@click.command(cls=SectionedCommand, sections=RUN, short_help="Simulate a model on a hardware.")
@click.argument("model", required=False, type=MODEL)
@options.hardware_option
@options.set_option
@options.batch_option
@options.shape_option
@options.encodings_option
@options.partial_option
@options.objective_option
@options.effort_option
@options.assume_option
@click.option("--mapping", type=FILE, metavar="FILE", help="Take the schedule from FILE.")
@click.option(
    "--dump-mapping", "mapping_to", type=FILE, metavar="FILE", help="Write the schedule to FILE."
)
@click.option(
    "--inputs", multiple=True, type=FILE, metavar="FILE",
    help="Execute the model on the arrays of an .npz file, or on images: .png, .jpg, .bmp, .webp, "
    "a folder of them; give one --inputs for each.",
)  # fmt: skip
@options.normalize_option
@options.colour_order_option
@click.option(
    "--outputs", "outputs_to", type=FILE, metavar="FILE.npz", help="Write the output arrays."
)
@click.option(
    "--labels", type=FILE, metavar="FILE.npz", help="The classes of --inputs: prints the accuracy."
)
@click.option(
    "--numerics/--no-numerics", default=None,
    help="Execute the kernels, or only count; by default they run when inputs are given.",
)  # fmt: skip
@click.option(
    "--requantize", type=PROFILE, metavar="PROFILE",
    help="model, hardware, onnx, tflite-reference, xnnpack or single-rounding.",
)  # fmt: skip
@click.option("--seed", type=int, help="Draw random inputs (with --numerics).")
@click.option(
    "--stream", is_flag=True,
    help="The samples of --inputs follow each other: the model's state is carried over.",
)  # fmt: skip
@click.option(
    "--compare-to", metavar="onnxruntime|litert",
    help="Execute the model there too: layer by layer, the first tensor that differs, and why; "
    "on --inputs, or on random ones.",
)  # fmt: skip
@options.json_option
@options.csv_option
@options.plot_option
@options.plot_kind_option
@click.option(
    "--trace", "trace_to", type=FILE, metavar="FILE",
    help="Write every job on a time line, for ui.perfetto.dev; gzipped if FILE ends in .gz.",
)  # fmt: skip
@options.layers_option("take longest")
@options.quiet_option
def run(**given: object) -> None:
    """Simulate MODEL (.onnx, .tflite, a layer table .csv, or a built-in name) on one hardware.

    Without MODEL: the bundled digit recognizer, executed on its test images.

    \b
    npusim run mobilenet-v2 --hw ethos-u65-512 --set memory.sram.size='1 MiB'
    npusim run model.tflite --inputs photo.png --normalize imagenet --outputs out.npz
    npusim run model.onnx --compare-to onnxruntime
    npusim run model.tflite --batch 4 --json report.json --plot report.png
    """
    request = Request(**given)  # type: ignore[arg-type]
    request.check()
    _run(request)


def _run(request: Request) -> None:
    from npusim import api
    from npusim.cli.warmup import announce_compilation
    from npusim.execution.accuracy import accuracy_of

    model, hardware = options.load_both(
        request.model_name, request.hardware, request.overrides, request.shapes,
        request.encodings, request.partial_encodings,
    )  # fmt: skip
    api.choose_profile(request.requantize, hardware, model.graph)
    if request.stream and not model.graph.states:
        what = f"'{model.name}' remembers nothing: each sample is computed on its own anyway"
        raise UsageError(Problem("--stream", what))
    oracle = _oracle(request, model.graph, hardware)
    data = _data(request, model.graph) if request.executes else None
    announce_compilation(request.quiet)
    program = api.schedule(
        model, hardware, request.batch, request.objective, request.mapping, request.assume,
        request.effort,
    )  # fmt: skip
    outputs: dict[str, np.ndarray] = {}
    accuracy, agreement, notes = None, None, []
    if data is not None:
        inputs, labels, how = data
        with _progress(request.quiet) as progress:
            outputs = api.infer(
                program, inputs, request.requantize, progress=progress, stream=request.stream
            )
        scores = model.graph.tensors[model.graph.outputs[0]].format
        accuracy = None if labels is None else accuracy_of(outputs, labels, scores)
        notes = [*how, _how_executed(request, program), *_how_remembered(request, program)]
        agreement = _agreement(request, oracle, program, inputs)
    report = api.report_of(
        program, request.batch, request.objective, accuracy, notes,
        None if agreement is None else agreement.to_dict(),
    )  # fmt: skip
    _write(request, report, program, outputs, agreement)


def _oracle(request: Request, graph: Graph, hardware: Hardware) -> Oracle | None:
    """The framework to compare with, opened before anything long starts."""
    if request.compare_to is None:
        return None
    from npusim import api
    from npusim.validate.oracles import open_oracle

    profile = api.choose_profile(request.requantize, hardware, graph)
    path = api.model_path(request.model_name)
    return open_oracle(request.compare_to, path, graph, profile.name)


def _agreement(
    request: Request, oracle: Oracle | None, program: Program, inputs: Mapping[str, np.ndarray]
) -> Agreement | None:
    if oracle is None:
        return None
    from npusim import api
    from npusim.validate.comparison import agreement_with

    profile = api.choose_profile(request.requantize, program.hardware, program.graph)
    return agreement_with(oracle, program, inputs, profile, request.stream)


def _how_executed(request: Request, program: Program) -> str:
    """What the outputs come from, for the notes of the report."""
    from npusim import api
    from npusim.kernels.table import kernels

    profile = api.choose_profile(request.requantize, program.hardware, program.graph)
    drawn = f", random inputs of seed {request.seed or 0}" if request.draws else ""
    return f"executed: arithmetic of profile {profile.name}, kernels {kernels().path}{drawn}"


def _how_remembered(request: Request, program: Program) -> Iterator[str]:
    """Where inferences of a model with state start from, for the notes of the report."""
    if program.graph.states:
        how = "each goes on from the one before" if request.stream else "each starts anew"
        yield f"of the samples, {how}"


def _data(
    request: Request, graph: Graph
) -> tuple[Mapping[str, np.ndarray], np.ndarray | None, list[str]]:
    """The inputs to execute, the classes they should be in where they are known, and notes.

    Read before anything long starts, so that a mistake in them costs no time.
    """
    from npusim import api
    from npusim.cli.samples import inputs_of
    from npusim.execution.accuracy import classes_of, read_labels
    from npusim.ir.passes.set_batch import with_batch
    from npusim.models.bundled import bundled_samples_of

    if request.batch is not None:
        graph = with_batch(graph, request.batch)
    if request.is_demonstration:
        samples = bundled_samples_of(graph)
        return samples.inputs, samples.labels, []
    if not request.inputs:
        return api.random_inputs(graph, request.seed or 0), None, []
    inputs, notes = inputs_of(
        api.Model(graph), request.model_name, request.inputs, request.normalize,
        request.colour_order,
    )  # fmt: skip
    if request.labels is None:
        return inputs, None, notes
    rows = next(iter(inputs.values())).shape[0]
    labels = read_labels(request.labels, rows, classes_of(graph))
    if len(graph.outputs) > 1:
        notes.append(f"accuracy: of the first output, '{graph.outputs[0]}'")
    return inputs, labels, notes


def _write(
    request: Request, report: Report, program: Program, outputs: Mapping[str, np.ndarray],
    agreement: Agreement | None,
) -> None:  # fmt: skip
    """Files first, so that a pipe that breaks does not lose them; then stdout."""
    from npusim.report import write_atomically
    from npusim.schedule.mapping import dump_mapping

    if request.outputs_to is not None:
        from npusim.execution.npz import npz_bytes

        write_atomically(request.outputs_to, npz_bytes(outputs))
    if request.plot_to is not None:
        from npusim.report.plots import OVERVIEW, ending_of, figure_of, image_of

        figure = figure_of(report, request.plot_kind or OVERVIEW)
        write_atomically(request.plot_to, image_of(figure, ending_of(request.plot_to)))
    if request.trace_to is not None:
        from npusim.report.trace import write_trace

        write_trace(program, request.trace_to)
    texts = (
        (request.json_to, report.to_json), (request.csv_to, report.to_csv),
        (request.mapping_to, lambda: dump_mapping(program)),
    )  # fmt: skip
    for target, text in texts:
        if target is not None and target != STDOUT:
            write_atomically(target, text())
    for target, text in texts:
        if target == STDOUT:
            click.echo(text(), nl=False)
            return
    from npusim.cli.output import results
    from npusim.report.terminal import print_report

    console = results()
    print_report(report, console, request.layers or None)
    if agreement is not None:
        from npusim.cli.agreement import print_agreement

        print_agreement(agreement, console, request.layers or None)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """A bar on stderr while inferences run, if somebody looks at it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("executing", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance

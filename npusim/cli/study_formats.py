"""`npusim study formats`: which format keeps most of which data, at its best scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from npusim.quantize.formats import FormatStudy

FORMATS = "int8,e2m5,e3m4,e4m3,e5m2,int4,e2m1"
MOST_BLOCK = 1 << 16
BLOCK_SCALES = ("any", "e8m0", "fp8_e4m3")
"""Those of `quantize.formats.block_scales`: importing them would cost every command its package."""


@dataclass(frozen=True)
class Request:
    """What a command line asks for; the names are those of the options."""

    model: str | None
    formats: str
    distributions: str | None
    inputs: str | None
    block: int | None
    block_scale: str
    shapes: tuple[str, ...]
    json_to: str | None
    csv_to: str | None
    plot_to: str | None
    layers: int
    quiet: bool

    def check(self) -> None:
        """Refuse what cannot be done, before the work begins."""
        targets = {"--json": self.json_to, "--csv": self.csv_to, "--plot": self.plot_to}
        check_destinations(targets, (self.model, self.inputs))
        needing = {
            "--inputs": self.inputs, "--block": self.block, "--shape": self.shapes or None,
        }  # fmt: skip
        problems = [
            Problem(option, "needs a model: npusim study formats MODEL")
            for option, given in needing.items()
            if given is not None and self.model is None
        ]
        if self.block is None and self.block_scale != BLOCK_SCALES[0]:
            problems.append(Problem("--block-scale", "needs blocks: --block 32"))
        if self.json_to == STDOUT and self.csv_to == STDOUT:
            problems.append(Problem("--csv", "stdout is taken by --json"))
        if self.plot_to == STDOUT:
            problems.append(Problem("--plot", "a plot goes to a file, not to stdout"))
        if problems:
            raise UsageError(problems)
        if self.plot_to is not None:
            from npusim.report.plots import ending_of, require_matplotlib

            ending_of(self.plot_to)
            require_matplotlib()


@click.command(short_help="Which format keeps most of which data.")
@click.argument("model", required=False, type=MODEL)
@click.option(
    "--formats", default=FORMATS, show_default=True, metavar="NAME,NAME,...",
    help="intB (symmetric), intB-asym, eXmY (all codes are numbers), fp8_e4m3 and fp8_e5m2 (OCP's, "
    "with NaN and infinity): 2 to 8 bits.",
)  # fmt: skip
@click.option(
    "--distributions", metavar="NAME,NAME,...",
    help="uniform, gaussian, student:NU, each with :L for where it is cut and @CLIP for a clip "
    "that is not searched; by default six of them, and none with a MODEL.",
)  # fmt: skip
@click.option(
    "--inputs", type=FILE, metavar="FILE.npz",
    help="Execute MODEL on these samples, and study what its layers read too.",
)  # fmt: skip
@click.option(
    "--block", type=click.IntRange(1, MOST_BLOCK), metavar="N",
    help="Study weights with one scale for each N of a channel's values too.",
)  # fmt: skip
@click.option(
    "--block-scale", type=click.Choice(BLOCK_SCALES), default=BLOCK_SCALES[0], show_default=True,
    help="What the scale of a block can be: any number, a power of two (MXFP4), or an FP8 number "
    "times a scale of the tensor (NVFP4).",
)  # fmt: skip
@options.shape_option
@options.json_option
@click.option(
    "--csv", "csv_to", type=FILE, metavar="FILE", help="Write one row for each data and format."
)
@click.option(
    "--plot", "plot_to", type=FILE, metavar="FILE", help="Draw it: FILE.png, .svg or .pdf."
)
@options.layers_option("lose most")
@options.quiet_option
def formats(**given: object) -> None:
    """SQNR of number formats over distributions, or over the layers of a float MODEL.

    Each format stands at its best scale: the clip of least expected squared error, which for
    distributions is integrated in closed form.

    \b
    npusim study formats
    npusim study formats --formats int4,e2m1,e1m2 --distributions gaussian,student:4:1000
    npusim study formats float.onnx --inputs samples.npz --plot formats.png
    npusim study formats float.onnx --formats int4,e2m1 --block 16 --block-scale fp8_e4m3
    """
    request = Request(**given)  # type: ignore[arg-type]
    request.check()
    _write(request, _studied(request))


def _studied(request: Request) -> FormatStudy:
    from npusim import api
    from npusim.cli.warmup import announce_compilation
    from npusim.execution.npz import read_inputs
    from npusim.quantize.formats import study_formats
    from npusim.quantize.formats.distributions import cases_named
    from npusim.quantize.formats.grids import grids_named

    names, asked = _names("--formats", request.formats), request.distributions
    distributions = None if asked is None else _names("--distributions", asked)
    grids_named(names)
    cases_named(distributions or ())
    model, arrays = None, None
    if request.model is not None:
        model = api.load_model(request.model, options.parse_shapes(request.shapes))
    if model is not None and request.inputs is not None:
        arrays = read_inputs(request.inputs, model.inputs)
        announce_compilation(request.quiet)
    return study_formats(model, names, distributions, arrays, request.block, request.block_scale)


def _names(option: str, text: str) -> list[str]:
    """The names of a list with commas; UsageError if it is empty."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(Problem(option, "names nothing"))
    return names


def _write(request: Request, found: FormatStudy) -> None:
    """Files first, so that a pipe that breaks does not lose them; then stdout."""
    from npusim.report import write_atomically

    if request.plot_to is not None:
        from npusim.report.plots import ending_of, image_of

        write_atomically(request.plot_to, image_of(found.plot(), ending_of(request.plot_to)))
    texts = ((request.json_to, found.to_json()), (request.csv_to, found.to_csv()))
    for target, text in texts:
        if target is not None and target != STDOUT:
            write_atomically(target, text)
    for target, text in texts:
        if target == STDOUT:
            click.echo(text, nl=False)
            return
    from npusim.cli.output import results
    from npusim.quantize.formats.printed import print_study

    print_study(found, results(), request.layers)

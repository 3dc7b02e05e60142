"""Options that several commands share, and their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from npusim.cli.completion import FILE, HARDWARE
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from npusim.api import Model
    from npusim.hardware.schema import Hardware

DEFAULT_HARDWARE = "edge-npu-1"
OBJECTIVES = ("latency", "energy", "edp")
EFFORTS = ("fast", "thorough")
PLOT_KINDS = ("all", "causes", "roofline", "energy", "memory")
LONGEST_EXTENT = 2**31 - 1
LARGEST_BATCH = 1 << 16  # more is a slip of the hand, and hours of counting

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _the_only_one(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str:
    """The one value of an option that click takes several of; it would keep the last in silence."""
    if len(values) > 1:
        raise UsageError(
            Problem("--hw", f"takes one hardware; npusim compare takes several: {' '.join(values)}")
        )
    return values[0]


hardware_option: Decorator = click.option(
    "--hw",
    "hardware",
    type=HARDWARE,
    multiple=True,
    default=(DEFAULT_HARDWARE,),
    show_default=DEFAULT_HARDWARE,
    callback=_the_only_one,
    metavar="HW",
    help="A preset's name or a .yaml path.",
)
set_option: Decorator = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a hardware field: memory.sram.size='1 MiB'.",
)
batch_option: Decorator = click.option(
    "--batch",
    type=click.IntRange(1, LARGEST_BATCH),
    metavar="N",
    help="Samples a batch; the model's own by default.",
)
shape_option: Decorator = click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=1x3x224x224",
    help="Extents of a dynamic input.",
)
encodings_option: Decorator = click.option(
    "--encodings",
    type=FILE,
    metavar="FILE",
    help="AIMET encodings that quantize a float ONNX model.",
)
partial_option: Decorator = click.option(
    "--partial-encodings",
    is_flag=True,
    help="Let tensors without an encoding be float32.",
)
assume_option: Decorator = click.option(
    "--assume",
    metavar="FORMAT",
    help="Count a float model as if it were in int8, fp16, int8*int4, ...",
)
objective_option: Decorator = click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="latency",
    show_default=True,
    help="What the schedule is chosen for.",
)
effort_option: Decorator = click.option(
    "--effort",
    type=click.Choice(EFFORTS),
    default="fast",
    show_default=True,
    help="How long to search for a schedule: thorough also tries the next best tilings of the "
    "costliest layers in the whole network, in about ten times the time.",
)
json_option: Decorator = click.option(
    "--json",
    "json_to",
    type=FILE,
    is_flag=False,
    flag_value="-",
    metavar="[FILE|-]",
    help="Write the report as JSON: to FILE, or to stdout instead of the tables.",
)
csv_option: Decorator = click.option(
    "--csv", "csv_to", type=FILE, metavar="FILE", help="Write one row a layer."
)
plot_option: Decorator = click.option(
    "--plot",
    "plot_to",
    type=FILE,
    metavar="FILE",
    help="Draw the report: FILE.png, .svg or .pdf.",
)
plot_kind_option: Decorator = click.option(
    "--plot-kind",
    type=click.Choice(PLOT_KINDS),
    help="What --plot draws; all four on a page by default.",
)
normalize_option: Decorator = click.option(
    "--normalize",
    metavar="HOW",
    help="Pixels of images to values: imagenet, 0..1, -1..1, none (0 to 255), raw (the bytes are "
    "the quantized values) or 'mean=R,G,B std=R,G,B'; by default what the model file says.",
)
colour_order_option: Decorator = click.option(
    "--color-order",
    "colour_order",
    type=click.Choice(("rgb", "bgr")),
    help="Order of an image's colours; by default what the model file says, else rgb.",
)
quiet_option: Decorator = click.option(
    "--quiet", "-q", is_flag=True, help="No progress and no notes on stderr."
)


def layers_option(which: str) -> Decorator:
    """`--layers N`: how many of the layers that are `which` are printed."""
    return click.option(
        "--layers",
        type=click.IntRange(min=0),
        default=24,
        show_default=True,
        metavar="N",
        help=f"Print the N layers that {which}; 0 for all.",
    )


def parse_shapes(texts: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """`NAME=1x3x224x224` texts as a mapping; UsageError lists every one that is not such a text."""
    shapes: dict[str, tuple[int, ...]] = {}
    problems = []
    for text in texts:
        name, equals, extents = text.rpartition("=")
        numbers = extents.split("x")
        if not (equals and name) or not all(map(_is_extent, numbers)):
            what = f"{text!r} is not NAME=EXTENTS, for example input=1x3x224x224"
            problems.append(Problem("--shape", what))
        elif name in shapes:
            problems.append(Problem("--shape", f"'{name}' is given twice"))
        else:
            shapes[name] = tuple(int(number) for number in numbers)
    if problems:
        raise UsageError(problems)
    return shapes


def _is_extent(text: str) -> bool:
    """True for the decimal digits of a number that an extent can be."""
    digits = text.isascii() and text.isdigit() and len(text) <= 10
    return digits and 1 <= int(text) <= LONGEST_EXTENT


def load_both(
    model: str, hardware: str, overrides: tuple[str, ...], shapes: tuple[str, ...],
    encodings: str | None, partial_encodings: bool,
) -> tuple[Model, Hardware]:  # fmt: skip
    """The model and the hardware of a command line."""
    from npusim import api

    check_partial(encodings, partial_encodings)
    given = parse_shapes(shapes)
    hw = api.load_hardware(hardware, overrides)
    return api.load_model(model, given, encodings, partial_encodings), hw


def check_partial(encodings: str | None, partial_encodings: bool) -> None:
    """Refuse --partial-encodings where there are none."""
    if partial_encodings and encodings is None:
        raise UsageError(Problem("--partial-encodings", "says nothing without --encodings"))

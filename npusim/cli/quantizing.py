"""What commands that quantize share: where samples come from, and a bar while they run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from npusim.cli.completion import FILE

if TYPE_CHECKING:
    import numpy as np

    from npusim.api import Model

    Arrays = Mapping[str, np.ndarray]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

BUNDLED = "digits-float"
"""The model that brings its own samples."""
DEFAULT_RANGE = "minmax"

calibration_option: Decorator = click.option(
    "--calibration", type=FILE, metavar="FILE.npz",
    help="Samples of the model's inputs, about a hundred: ranges of activations come from them.",
)  # fmt: skip
range_option: Decorator = click.option(
    "--range", "range_method", default=DEFAULT_RANGE, show_default=True, metavar="HOW",
    help="Ranges from what was seen: minmax, percentile, mse, entropy, moving-average.",
)  # fmt: skip
judged_option: Decorator = click.option(
    "--inputs", type=FILE, metavar="FILE.npz",
    help="Other samples to judge the result on; by default some of --calibration.",
)  # fmt: skip
judged_labels_option: Decorator = click.option(
    "--labels", type=FILE, metavar="FILE.npz", help="The classes of --inputs: prints the accuracy."
)


class Samples(NamedTuple):
    """Samples for calibration, samples to judge by, and their classes, as far as they are there."""

    calibration: Arrays | None
    judged: Arrays | None
    labels: np.ndarray | None


def samples_for(
    name: str, model: Model, calibration: str | None, inputs: str | None, labels: str | None
) -> Samples:
    """The samples of a command line; those of the bundled model where it has no others.

    `name` is the model's on the command line. UsageError for files that do not fit `model`.
    """
    from npusim.execution.accuracy import classes_of, read_labels
    from npusim.execution.npz import read_inputs
    from npusim.models.bundled import bundled_calibration, bundled_samples

    own = name == BUNDLED
    first: Arrays | None = bundled_calibration() if own else None
    if calibration is not None:
        first = read_inputs(calibration, model.inputs, "--calibration")
    if inputs is None:
        tests = bundled_samples() if own else None
        return Samples(first, None, None) if tests is None else (
            Samples(first, tests.inputs, tests.labels)
        )  # fmt: skip
    judged = read_inputs(inputs, model.inputs)
    if labels is None:
        return Samples(first, judged, None)
    rows = next(iter(judged.values())).shape[0]
    return Samples(first, judged, read_labels(labels, rows, classes_of(model.graph)))


def rows_of(samples: Arrays | None) -> int | None:
    """How many samples there are."""
    return None if samples is None else len(next(iter(samples.values())))


@contextmanager
def bar(quiet: bool, what: str, total: int | None) -> Iterator[Callable[[float], None] | None]:
    """A bar on stderr, told how much of `total` is done, if somebody looks at it."""
    if quiet or total is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=done)

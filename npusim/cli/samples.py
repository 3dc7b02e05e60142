"""What `npusim run` executes a model on: arrays of an `.npz` file, images, the bundled digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npusim.cli.images_values import KNOWN, Normalization, parse_normalization
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from npusim.api import Model

Arrays = dict[str, np.ndarray]


def problems_of_inputs(
    paths: Sequence[str], normalize: str | None, colour_order: str | None
) -> list[Problem]:
    """What is wrong with --inputs and the options for images, before anything is read."""
    from npusim.cli.images import are_images, files_of

    given = {"--normalize": normalize, "--color-order": colour_order}
    problems = []
    if not are_images(paths):
        what = "is for images: --inputs photo.png"
        problems = [Problem(option, what) for option, value in given.items() if value is not None]
        if len(paths) > 1:
            problems.append(Problem("--inputs", f"{len(paths)} .npz files: give one"))
        return problems
    try:
        files_of(paths)
        if normalize is not None:
            parse_normalization(normalize)
    except UsageError as error:
        problems += error.problems
    return problems


def files_read(paths: Sequence[str]) -> list[str]:
    """The paths, and what lies in those that are folders: no result may be written there."""
    within = [str(file) for path in paths if Path(path).is_dir() for file in Path(path).iterdir()]
    return [*paths, *within]


def inputs_of(
    model: Model, path_or_name: str, paths: Sequence[str], normalize: str | None,
    colour_order: str | None,
) -> tuple[Arrays, list[str]]:  # fmt: skip
    """The arrays of `--inputs` for `model`, and notes that say how images became arrays.

    `path_or_name` is the model as it was named: its file may say how images are normalized.
    """
    from npusim.cli.images import COLOUR_ORDERS, are_images, read_images
    from npusim.execution.npz import read_inputs

    if not are_images(paths):
        return read_inputs(paths[0], model.inputs), []
    from npusim.cli.images_metadata import stated_by

    stated = stated_by(Path(path_or_name))
    order = colour_order or stated.order or COLOUR_ORDERS[0]
    normalization = _chosen(normalize, stated.normalization)
    return read_images(paths, model.inputs, normalization, order)


def _chosen(asked: str | None, stated: Normalization | None) -> Normalization:
    """What the user asks for, else what the model's file says; UsageError if neither does.

    The note names the other one if it was overruled.
    """
    if asked is None:
        if stated is None:
            what = (
                "the model file does not say how its images are normalized, and a wrong guess "
                f"costs its accuracy: give one of {', '.join(KNOWN)}"
            )
            raise UsageError(Problem("--normalize", what))
        return stated
    normalization = parse_normalization(asked)
    if stated is not None and (stated.mean, stated.std) != (normalization.mean, normalization.std):
        return replace(normalization, source=f"as asked; the model's metadata says {stated.name}")
    return normalization

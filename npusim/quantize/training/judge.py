"""Is what was trained what the integer kernels compute? Scores of both, image by image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npusim.quantize.training.datasets import Dataset, Floats, Labels

if TYPE_CHECKING:
    from npusim.quantize.training.model import Model

HARDWARE = "edge-npu-1"
"""Integer sums in int32 and the model's own requantization: its bits are those of any such chip."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """Scores [N, classes] of the network as `trained` and as `executed`, `step` apart at least."""

    trained: Floats
    executed: Floats
    labels: Labels
    step: float

    @property
    def trained_accuracy(self) -> float:
        """Percent right, as trained."""
        return _percent_right(self.trained, self.labels)

    @property
    def executed_accuracy(self) -> float:
        """Percent right, by the integer kernels."""
        return _percent_right(self.executed, self.labels)

    @property
    def other_predictions(self) -> int:
        """Images whose largest score is another class's."""
        return int((self.trained.argmax(axis=1) != self.executed.argmax(axis=1)).sum())

    @property
    def other_scores(self) -> int:
        """Scores that differ."""
        return int((self._steps_apart() > 0).sum())

    @property
    def largest_difference(self) -> int:
        """The largest difference of two scores, in steps of the scores' scale."""
        return int(self._steps_apart().max())

    def _steps_apart(self) -> Floats:
        apart: Floats = np.abs(np.rint((self.trained - self.executed) / self.step))
        return apart


def executed_scores(path: Path, images: Floats, hardware: str = HARDWARE) -> Floats:
    """Scores of the ONNX file by npusim's kernels, on `hardware`."""
    from npusim import api

    program = api.schedule(api.load_model(path), hardware)
    found: Floats = api.infer(program, {program.graph.inputs[0]: images})[program.graph.outputs[0]]
    return found


def judge(model: Model, path: Path, data: Dataset) -> Verdict:
    """`model` in PyTorch against its file at `path`, on the held-out images."""
    from npusim.quantize.training.train import scores

    step = model.logits.safe_step().item()
    trained = scores(model, data.test_images)
    return Verdict(trained, executed_scores(path, data.test_images), data.test_labels, step)


def _percent_right(found: Floats, labels: Labels) -> float:
    return float(100 * (found.argmax(axis=1) == labels).mean())

"""`python -m npusim.quantize.training NETWORK`: train, quantize, train on, and execute the result.

Prints, for each number of weight bits, the accuracy on held-out images quantized after training,
after training quantized (PyTorch) and by npusim's kernels on the exported file.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import numpy as np

from npusim.errors import NpusimError
from npusim.quantize.training.datasets import DATASETS, Dataset, development
from npusim.quantize.training.needs import require
from npusim.quantize.training.networks import NETWORKS

if TYPE_CHECKING:
    from npusim.quantize.training.model import Model
    from npusim.quantize.training.train import Course, Remedy

WEIGHT_BITS = ("8", "4", "3")
HELD_OUT_IN_DEVELOPMENT = {"digits": 40, "mnist": 80}
"""Images a class."""

HEADER = f"{'':7}{'after training':>16}{'trained':>9}{'executed':>10}"
HEADER += f"{'other classes':>15}{'other scores':>14}{'oscillating':>13}{'frozen':>9}"


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    network: str
    weights: tuple[int, ...]
    activations: int
    per_channel: bool
    seed: int
    dampening: float
    freeze_above: float | None
    development: bool
    output: Path | None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("network", type=click.Choice(sorted(NETWORKS)))
@click.option(
    "--weights", multiple=True, type=click.Choice(WEIGHT_BITS), default=WEIGHT_BITS,
    help="Bits of the weights; may be given several times.  [default: 8, 4 and 3]",
)  # fmt: skip
@click.option(
    "--activations", type=click.Choice(["8", "4"]), default="8", show_default=True,
    help="Bits of the activations. Layers on 4 have no integer kernel: float32 between roundings.",
)  # fmt: skip
@click.option("--per-tensor", is_flag=True, help="One step for all weights of a layer.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True)
@click.option(
    "--dampen", type=click.FloatRange(min=0), default=0.0, show_default=True,
    help="Last weight of the penalty on weights far from their bin's centre.",
)  # fmt: skip
@click.option(
    "--freeze", type=click.FloatRange(0, 1), default=None,
    help="Freeze weights that flip more often a step than this, at the end.",
)  # fmt: skip
@click.option("--development", "inner", is_flag=True, help="Judge on images held out of training.")
@click.option(
    "--output", type=click.Path(file_okay=False, exists=True, writable=True, path_type=Path),
    help="Folder for the .onnx files, float and quantized, and the test images as .npz.",
)  # fmt: skip
def main(
    network: str, weights: tuple[str, ...], activations: str, per_tensor: bool, seed: int,
    dampen: float, freeze: float | None, inner: bool, output: Path | None,
) -> None:  # fmt: skip
    """Quantization-aware training of a small NETWORK: its accuracy on images held out."""
    bits = tuple(int(each) for each in dict.fromkeys(weights))
    request = Request(
        network, bits, int(activations), not per_tensor, seed, dampen, freeze, inner, output
    )
    try:
        require("torch", "onnx")
        run(request)
    except NpusimError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


def run(request: Request) -> None:
    """Train and print; write files where the request says."""
    from npusim.quantize.training.export import float_onnx_model
    from npusim.quantize.training.train import FLOAT, Remedy, accuracy, train_float

    data = DATASETS[request.network]()
    if request.development:
        data = development(data, HELD_OUT_IN_DEVELOPMENT[request.network])
    course = replace(FLOAT[request.network], seed=request.seed)
    trained = train_float(NETWORKS[request.network], data, course)
    worth = f"{len(data.test_labels)} held-out images, one is {data.points_a_sample:.2f} points"
    click.echo(f"{request.network}, seed {request.seed}: float32 {accuracy(trained, data):.2f} %")
    click.echo(f"{worth}\n\n{HEADER}")
    remedy = Remedy(request.dampening, request.freeze_above)
    with TemporaryDirectory() as scratch:
        folder = request.output or Path(scratch)
        if request.output is not None:
            _save(folder / f"{request.network}_float.onnx", float_onnx_model(trained))
            _write_samples(folder, data)
        for bits in request.weights:
            click.echo(_row(request, bits, trained, data, remedy, folder))


def _row(
    request: Request, bits: int, trained: Model, data: Dataset, remedy: Remedy, folder: Path
) -> str:
    """The line of one precision; its file lies in `folder` then."""
    from npusim.quantize.training.export import onnx_model
    from npusim.quantize.training.judge import judge
    from npusim.quantize.training.model import Precision
    from npusim.quantize.training.train import (
        NO_TRAINING,
        QUANTIZED,
        accuracy,
        frozen_percent,
        oscillating_percent,
        train_quantized,
    )

    precision = Precision(bits, request.activations, request.per_channel)
    before = accuracy(train_quantized(trained, data, precision, NO_TRAINING), data)
    course: Course = replace(QUANTIZED[request.network], seed=request.seed)
    model = train_quantized(trained, data, precision, course, remedy)
    path = folder / f"{request.network}_{precision.name.lower()}.onnx"
    _save(path, onnx_model(model))
    verdict = judge(model, path, data)
    other = f"{verdict.other_scores} of {verdict.trained.size}"
    return (
        f"{precision.name:7}{before:14.2f} %{verdict.trained_accuracy:7.2f} %"
        f"{verdict.executed_accuracy:8.2f} %{verdict.other_predictions:15}{other:>14}"
        f"{oscillating_percent(model):11.1f} %{frozen_percent(model):7.1f} %"
    )


def _write_samples(folder: Path, data: Dataset) -> None:
    np.savez_compressed(folder / f"{data.name}_test.npz", image=data.test_images)
    np.savez_compressed(folder / f"{data.name}_labels.npz", labels=data.test_labels)


def _save(path: Path, model: object) -> None:
    from npusim.report.files import write_atomically

    write_atomically(path, model.SerializeToString())  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(prog_name="python -m npusim.quantize.training")

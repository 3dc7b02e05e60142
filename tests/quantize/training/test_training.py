"""Digits and MNIST, trained: accuracy on held-out images, and the same predictions when executed.

One image of the digits' test is 0.2 points, one of MNIST's 0.1. Needs PyTorch (extra qat); about
two minutes on one thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra qat)")
pytest.importorskip("sklearn", reason="needs scikit-learn (extra qat)")
pytest.importorskip("mlxtend", reason="needs mlxtend (extra qat)")

import onnx

from npusim.quantize.training.datasets import DATASETS, Dataset
from npusim.quantize.training.export import float_onnx_model, onnx_model
from npusim.quantize.training.judge import Verdict, judge
from npusim.quantize.training.model import Model, Precision
from npusim.quantize.training.networks import NETWORKS
from npusim.quantize.training.train import (
    FLOAT,
    NO_TRAINING,
    QUANTIZED,
    Course,
    Remedy,
    accuracy,
    frozen_percent,
    oscillating_percent,
    scores,
    train_float,
    train_quantized,
)

pytestmark = pytest.mark.slow

ALLOWED_POINTS = {8: 0.3, 4: 1.0, 3: 2.0}
"""What accuracy may fall by, by bits of the weights; activations have 8."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A float network, and per number of weight bits the quantized one, its file and its scores."""

    data: Dataset
    model: Model
    quantized: dict[int, Model]
    paths: dict[int, Path]
    verdicts: dict[int, Verdict]


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    data = DATASETS[name]()
    found = Trained(data, train_float(NETWORKS[name], data, FLOAT[name]), {}, {}, {})
    for bits in ALLOWED_POINTS:
        model = train_quantized(found.model, data, Precision(bits, 8), QUANTIZED[name])
        path = folder / f"w{bits}.onnx"
        onnx.save(onnx_model(model), path)
        found.quantized[bits], found.paths[bits] = model, path
        found.verdicts[bits] = judge(model, path, data)
    return found


@pytest.fixture(scope="module")
def short() -> tuple[Dataset, Model]:
    """Digits, trained for a few epochs: enough to compare ways of training."""
    data = DATASETS["digits"]()
    return data, train_float(NETWORKS["digits"], data, Course(epochs=10, rate=0.1))


def test_the_float_network_is_a_good_one(trained: Trained) -> None:
    assert accuracy(trained.model, trained.data) > 97.5


@pytest.mark.parametrize("bits", ALLOWED_POINTS)
def test_accuracy_falls_by_no_more_than_allowed(trained: Trained, bits: int) -> None:
    lost = accuracy(trained.model, trained.data) - trained.verdicts[bits].executed_accuracy
    assert lost <= ALLOWED_POINTS[bits]


def test_three_bits_need_training(trained: Trained) -> None:
    untrained = train_quantized(trained.model, trained.data, Precision(3, 8), NO_TRAINING)
    assert trained.verdicts[3].trained_accuracy > accuracy(untrained, trained.data)


@pytest.mark.parametrize("bits", ALLOWED_POINTS)
def test_what_is_trained_is_what_the_kernels_execute(trained: Trained, bits: int) -> None:
    """Sums of float32 products may round to the other side of a tie, which few scores show."""
    verdict = trained.verdicts[bits]
    assert verdict.other_predictions == 0
    assert verdict.largest_difference <= 2
    assert verdict.other_scores < 0.02 * verdict.trained.size


@pytest.mark.parametrize("bits", ALLOWED_POINTS)
def test_onnx_runtime_runs_the_file(trained: Trained, bits: int) -> None:
    """With int8 weights to the bit; those of 4 bits it multiplies in float32."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = runtime.InferenceSession(str(trained.paths[bits]), options)
    images = trained.data.test_images
    found = np.concatenate([session.run(None, {"image": each[None]})[0] for each in images])
    verdict = trained.verdicts[bits]
    np.testing.assert_array_equal(found.argmax(axis=1), verdict.executed.argmax(axis=1))
    apart = np.abs(found - verdict.executed) / verdict.step
    assert apart.max() == 0 if bits == 8 else apart.max() < 1.01


def test_the_float_file_has_the_scores_of_the_float_network(trained: Trained) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(float_onnx_model(trained.model, 50).SerializeToString())
    images = trained.data.test_images[:50]
    (found,) = session.run(None, {"image": images})
    np.testing.assert_allclose(found, scores(trained.model, images), rtol=1e-3, atol=1e-3)


def test_training_is_the_same_for_the_same_seed(short: tuple[Dataset, Model]) -> None:
    data, model = short
    course = Course(epochs=1, rate=0.01, seed=3)
    images = data.test_images
    twice = [scores(train_quantized(model, data, Precision(4), course), images) for _ in range(2)]
    np.testing.assert_array_equal(*twice)


def test_the_more_is_dampened_the_fewer_weights_oscillate(short: tuple[Dataset, Model]) -> None:
    data, model = short
    course = Course(epochs=6, rate=0.01)
    kinds = [Remedy(dampening=weight) for weight in (0.0, 0.1, 1.0)]
    trained = [train_quantized(model, data, Precision(3), course, kind) for kind in kinds]
    shares = [oscillating_percent(each) for each in trained]
    assert shares[0] > shares[1] > shares[2]
    assert all(frozen_percent(each) == 0 for each in trained)


def test_freezing_halves_the_weights_that_oscillate_and_keeps_the_accuracy(
    short: tuple[Dataset, Model],
) -> None:
    data, model = short
    course = Course(epochs=6, rate=0.01)
    plain, frozen = [
        train_quantized(model, data, Precision(3), course, kind)
        for kind in (Remedy(), Remedy(freeze_above=0.005))
    ]
    assert frozen_percent(frozen) > 1
    assert oscillating_percent(frozen) < oscillating_percent(plain) / 2
    assert accuracy(frozen, data) > accuracy(plain, data) - 1


def test_frozen_weights_are_exported_as_they_were_trained(
    short: tuple[Dataset, Model], tmp_path: Path
) -> None:
    data, model = short
    remedy = Remedy(freeze_above=0.005)
    frozen = train_quantized(model, data, Precision(3), QUANTIZED["digits"], remedy)
    path = tmp_path / "frozen.onnx"
    onnx.save(onnx_model(frozen), path)
    assert judge(frozen, path, data).other_predictions == 0

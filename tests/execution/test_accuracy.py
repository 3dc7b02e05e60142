"""Accuracy over a user's labels: what is right, what is right in the top 5, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.errors import UsageError
from npusim.execution.accuracy import accuracy_of, classes_of, read_labels
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from npusim.models.bundled import bundled_model_path, bundled_samples
from npusim.numerics.floats import encode
from npusim.numerics.formats import FP8_E4M3
from tests.support.commands import document, done, refused
from tests.support.counted import conv_graph
from tests.support.shared import shared_path


def _stored(folder: Path, **arrays: np.ndarray) -> str:
    path = folder / "labels.npz"
    np.savez(path, **arrays)
    return str(path)


def test_labels_are_integers_one_a_sample(tmp_path: Path) -> None:
    path = _stored(tmp_path, x=np.zeros((3, 2)), y=np.array([1, 2, 0], np.uint8))
    assert read_labels(path, 3, 3).tolist() == [1, 2, 0]
    keras = _stored(tmp_path, x_test=np.zeros((2, 4), np.uint8), y_test=np.array([[2], [0]]))
    assert read_labels(keras, 2, 3).tolist() == [2, 0]
    column = _stored(tmp_path, label=np.array([[1], [2]]))
    assert read_labels(column, 2, 3).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"y": np.zeros(4, int)}, "4 labels for 3 samples"),
        ({"y": np.zeros(0, int)}, "0 labels for 3 samples"),
        ({"labels": np.zeros(3)}, "expected integers"),
        ({"labels": np.zeros((3, 2), int)}, "expected integers of one axis"),
        ({"labels": np.zeros((3, 10))}, "store the argmax of each row"),
        ({"a": np.zeros(3, int), "b": np.zeros(3, int)}, "no array called labels or label or y"),
        ({}, "no array"),
        ({"y": np.array([0, 10, 1])}, "sample 1 has label 10; the model has 10 classes, 0 to 9"),
        ({"y": np.array([0, 1, -1])}, "sample 2 has label -1"),
    ],
)
def test_labels_that_do_not_belong_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read_labels(_stored(tmp_path, **arrays), 3, 10)


def test_the_largest_output_decides_the_first_of_equals() -> None:
    scores = np.array([[[1, 2, 2]], [[5, 0, 0]]], np.int8)
    right = accuracy_of({"y": scores}, np.array([1, 0]))
    assert right == {"accuracy": 1.0, "correct": 2, "samples": 2}
    assert accuracy_of({"y": scores}, np.array([2, 0]))["correct"] == 1


def test_codes_are_compared_as_what_they_stand_for() -> None:
    scores = encode(np.array([[-448.0, 1.0, 0.5]]), FP8_E4M3)
    assert scores[0, 0] == scores.max(), "as integers, the codes of negative numbers are largest"
    assert accuracy_of({"y": scores}, np.array([1]), FP8_E4M3)["correct"] == 1


@given(st.integers(0, 2**32 - 1), st.integers(10, 30), st.sampled_from([np.uint8, np.float32]))
def test_the_top_5_are_the_first_of_a_stable_order(seed: int, classes: int, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, (20, classes)).astype(dtype)
    labels = rng.integers(0, classes, 20)
    order = np.argsort(-scores.astype(int), axis=1, kind="stable")
    right = accuracy_of({"y": scores}, labels)
    assert right["correct"] == int((order[:, 0] == labels).sum())
    assert right["top5_correct"] == int((order[:, :5] == labels[:, None]).any(axis=1).sum())
    assert right["top5_accuracy"] == right["top5_correct"] / 20


def test_a_score_that_is_no_number_never_wins() -> None:
    scores = np.array([[np.nan, 0.5, 0.25]], np.float32)
    assert accuracy_of({"y": scores}, np.array([1]))["correct"] == 1
    assert accuracy_of({"y": scores}, np.array([0]))["correct"] == 0


def test_few_classes_have_no_top_5() -> None:
    assert "top5_correct" not in accuracy_of({"y": np.zeros((2, 9))}, np.array([0, 1]))
    assert "top5_correct" in accuracy_of({"y": np.zeros((2, 10))}, np.array([0, 1]))


def _graph_of_scores(shape: tuple[int, ...]) -> Graph:
    import dataclasses

    graph = conv_graph()
    out = dataclasses.replace(graph.tensors["out"], shape=shape)
    return dataclasses.replace(graph, tensors={**graph.tensors, "out": out})


def test_classes_are_the_scores_of_a_sample() -> None:
    assert classes_of(load_model(bundled_model_path())) == 10
    assert classes_of(_graph_of_scores((1, 1, 1, 7))) == 7
    assert classes_of(_graph_of_scores((7,))) == 7
    with pytest.raises(UsageError, match="not one score for each class"):
        classes_of(_graph_of_scores((1, 4, 7)))


def test_a_float_model_is_judged_with_its_top_5(tmp_path: Path) -> None:
    samples = bundled_samples()
    path = _stored(tmp_path, image=samples.inputs["image"][:20], labels=samples.labels[:20])
    right = document("run", "digits", "--inputs", path, "--labels", path)["accuracy"]
    assert right["samples"] == 20
    assert right["correct"] <= right["top5_correct"] <= 20
    printed = done("run", "digits", "--inputs", path, "--labels", path)
    assert f"{right['correct']} of 20 right, top 5 " in printed


def test_a_quantized_model_is_judged_too(tmp_path: Path) -> None:
    model = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite")
    with np.load(shared_path("data", "kws01", "kws01_all1000.npz")) as stored:
        features, labels = stored["x"][:30], stored["y"][:30]
    path = _stored(tmp_path, features=features, classes=labels)
    right = document("run", model, "--inputs", path, "--labels", path)["accuracy"]
    assert right["samples"] == 30 and right["correct"] >= 24
    assert right["correct"] <= right["top5_correct"]
    path = _stored(tmp_path, features=features.astype(np.float32), classes=labels)
    message = refused(2, "run", model, "--inputs", path, "--labels", path)
    assert "the model takes int8" in message and "round(x / scale) + zero point" in message


def test_what_does_not_fit_is_refused_before_anything_runs(tmp_path: Path) -> None:
    samples = bundled_samples()
    images = samples.inputs["image"][:5]
    path = _stored(tmp_path, image=images, labels=samples.labels[:4])
    assert "4 labels for 5 samples" in refused(
        2, "run", "digits", "--inputs", path, "--labels", path
    )
    path = _stored(tmp_path, image=images, labels=samples.labels[:5] + 10)
    assert "the model has 10 classes" in refused(
        2, "run", "digits", "--inputs", path, "--labels", path
    )

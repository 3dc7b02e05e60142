"""What model files say of their images, and that damaged metadata says nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.cli.images_metadata import Stated, stated_by
from npusim.models.bundled import bundled_model_path
from tests.support.shared import shared_path


def _model(folder: Path, **said: str) -> Path:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph)
    helper.set_model_props(model, said)
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("pixels", "name"),
    [("NominalRange_0_255", "none"), ("Normalized_0_1", "0..1"), ("Normalized_1_1", "-1..1")],
)
def test_an_onnx_file_may_state_its_range_and_colours(
    tmp_path: Path, pixels: str, name: str
) -> None:
    path = _model(
        tmp_path, **{"Image.NominalPixelRange": pixels, "Image.BitmapPixelFormat": "Bgr8"}
    )
    stated = stated_by(path)
    assert stated.normalization is not None
    assert stated.normalization.name == name
    assert stated.normalization.source == "as the model's metadata says"
    assert stated.order == "bgr"


def test_files_without_metadata_say_nothing(tmp_path: Path) -> None:
    assert stated_by(_model(tmp_path)) == Stated()
    assert stated_by(_model(tmp_path, **{"Image.NominalPixelRange": "NominalRange_16_235"})) == (
        Stated()
    )
    assert stated_by(bundled_model_path()) == Stated()
    assert stated_by(tmp_path / "resnet-50") == Stated()
    vww = shared_path("data", "models", "mlperf_tiny_vww_96_int8.tflite")
    assert stated_by(vww) == Stated()


def test_a_tflite_file_states_mean_and_deviation() -> None:
    path = shared_path("data", "models", "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    normalization = stated_by(path).normalization
    assert normalization is not None
    assert (normalization.mean, normalization.std) == ((0.5,), (0.5,))


def test_damaged_metadata_says_nothing_or_something(tmp_path: Path) -> None:
    """Bytes of the metadata and of the tables before it are flipped; nothing else may happen."""
    content = shared_path("data", "models", "mobilenet_v2_1.0_224_quant.tflite").read_bytes()
    at = content.index(b"M001")
    start, stop = at - 8, at + 700
    rng = np.random.default_rng(0)
    path = tmp_path / "model.tflite"
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(start, stop, 4):
            damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(damaged))
        assert isinstance(stated_by(path), Stated)
    path.write_bytes(content[: at + 20])
    assert isinstance(stated_by(path), Stated)

"""TFLite tensors of 16 and of 4 bits: what the reader makes of them, and of damaged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npusim.errors import ModelFileError, NpusimError, UnsupportedModelError
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from npusim.numerics.formats import INT4, INT16, INT64
from tests.support.tflite_models import TinyModel
from tests.support.tflite_wide import PRODUCTS8X4, PRODUCTS16X8


def read(model: TinyModel, folder: Path) -> Graph:
    (folder / "model.tflite").write_bytes(model.content())
    return load_model(folder / "model.tflite")


def layer(shape: tuple[int, int], data: np.ndarray, stored: tuple[int, ...] = ()) -> TinyModel:
    """A fully connected layer of int4 weights whose tensor says `shape`."""
    m = TinyModel()
    m.inputs.append(m.tensor("x", (1, shape[1]), "int8", 0.1))
    w = m.constant("w", data, 0.01, dtype="int4")
    m.tensors[w].shape = stored or shape
    m.outputs.append(m.tensor("y", (1, shape[0]), "int8", 0.1))
    m.operator("FULLY_CONNECTED", [0, w, -1], m.outputs, "FullyConnectedOptions", version=5)
    return m


@pytest.mark.parametrize("shape", [(3, 5), (2, 4), (1, 1)])
def test_int4_weights_are_held_one_in_a_byte(tmp_path: Path, shape: tuple[int, int]) -> None:
    data = (np.arange(shape[0] * shape[1]) % 16 - 8).astype(np.int8).reshape(shape)
    weights = read(layer(shape, data), tmp_path).tensors["w"]
    assert weights.format == INT4 and weights.format.bits == 4
    np.testing.assert_array_equal(weights.data, data)


@pytest.mark.parametrize(("count", "stored"), [(14, 7), (17, 9), (16, 8)])
def test_a_wrong_number_of_nibbles_is_damage(tmp_path: Path, count: int, stored: int) -> None:
    """15 elements take 8 bytes; the same bytes may stand for 16."""
    model = layer((3, 5), np.zeros(count, np.int8))
    if stored == 8:
        assert read(model, tmp_path).tensors["w"].shape == (3, 5)
        return
    with pytest.raises(ModelFileError, match=f"takes 8 bytes, the file has {stored}"):
        read(model, tmp_path)


def test_int4_is_for_weights(tmp_path: Path) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (4,), "int8", 0.1))
    other = m.constant("w", np.zeros(4, np.int8), 0.1, dtype="int4")
    m.outputs.append(m.tensor("y", (4,), "int8", 0.1))
    m.operator("ADD", [0, other], m.outputs, "AddOptions", version=2)
    with pytest.raises(UnsupportedModelError, match="'w' is int4, which is supported for weights"):
        read(m, tmp_path)


def test_a_computed_int4_tensor_is_refused(tmp_path: Path) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (4,), "float32"))
    m.outputs.append(m.tensor("y", (4,), "int4", 0.1))
    m.operator("QUANTIZE", [0], m.outputs, "QuantizeOptions")
    with pytest.raises(UnsupportedModelError, match="'y' is int4, but no constant"):
        read(m, tmp_path)


def test_int4_weights_on_int16_are_refused_in_depthwise_layers(tmp_path: Path) -> None:
    """LiteRT's kernel reads the packed bytes as int8 there."""
    m = PRODUCTS8X4["DEPTHWISE_CONV_2D"](np.random.default_rng(1), "int8")
    for tensor in m.tensors:
        if tensor.name in ("x", "y"):
            tensor.dtype, tensor.zero_point = "int16", 0
    with pytest.raises(UnsupportedModelError, match="int4 weights on int16 inputs"):
        read(m, tmp_path)


def test_int4_weights_on_one_channel_are_refused_in_depthwise_layers(tmp_path: Path) -> None:
    m = PRODUCTS8X4["DEPTHWISE_CONV_2D"](np.random.default_rng(1), "int8")
    w = next(tensor for tensor in m.tensors if tensor.name == "w")
    x = m.tensors[m.inputs[0]]
    x.shape = (*x.shape[:3], 1)
    assert w.dtype == "int4"
    with pytest.raises(UnsupportedModelError, match="int4 weights on one input channel"):
        read(m, tmp_path)


def test_a_16x8_layer_has_a_bias_of_64_bits(tmp_path: Path) -> None:
    graph = read(PRODUCTS16X8["CONV_2D"](np.random.default_rng(1), "int16"), tmp_path)
    formats = [graph.tensors[name].format for name in graph.nodes[0].inputs]
    assert (formats[0], formats[2]) == (INT16, INT64)


@pytest.mark.parametrize(("shape", "size"), [((3, 5), 30), ((3, 4), 24)])
def test_a_16_bit_constant_of_another_size_is_damage(
    tmp_path: Path, shape: tuple[int, int], size: int
) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", shape, "int16", 0.1))
    other = m.constant("w", np.zeros((3, 3), np.int16), 0.1)
    m.tensors[other].shape = shape
    m.outputs.append(m.tensor("y", shape, "int16", 0.1))
    m.operator("MUL", [0, other], m.outputs, "MulOptions", version=2)
    with pytest.raises(ModelFileError, match=f"takes {size} bytes, the file has 18"):
        read(m, tmp_path)


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_zero_point_of_16_bits_is_refused(tmp_path: Path, name: str) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (4,), "int16", 0.1, 3 if name == "x" else 0))
    m.outputs.append(m.tensor("y", (4,), "int16", 0.1, 3 if name == "y" else 0))
    m.operator("RELU", [0], m.outputs, version=2)
    with pytest.raises(NpusimError, match=f"'{name}' is int16 with a zero point that is not 0"):
        read(m, tmp_path)

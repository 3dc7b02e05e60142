"""Functions of the ONNX standard that have no kernel here give what ONNX Runtime gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import assert_close, plain

X = {"x": ("float32", (2, 3, 8))}


def test_a_function_may_read_constants_of_the_file(tmp_path: Path) -> None:
    scale = np.linspace(0.5, 2, 8, dtype=np.float32)
    model = plain("RMSNormalization", X, "float32", {"scale": scale}, opset=23, axis=-1)
    assert_close(model, tmp_path / "one.onnx", 1e-6, 1e-5)


def test_attributes_that_are_left_out_have_their_defaults(tmp_path: Path) -> None:
    image = {"x": ("float32", (2, 3, 4, 4))}
    model = plain("MeanVarianceNormalization", image, "float32", opset=13)
    assert_close(model, tmp_path / "one.onnx", 1e-5, 1e-5)


def test_attention_is_counted_as_its_products(tmp_path: Path) -> None:
    heads = {name: ("float32", (1, 2, 4, 8)) for name in ("q", "k", "v")}
    model = plain("Attention", heads, "float32", opset=23, is_causal=1)
    assert_close(model, tmp_path / "one.onnx", 1e-6, 1e-5)
    graph = read_onnx(tmp_path / "one.onnx")
    assert "the ONNX standard defines them by: Attention" in " ".join(graph.notes)
    kinds = [node.op.kind for node in graph.nodes]
    assert kinds.count("matmul") == 2
    assert kinds.count("softmax") == 1


def test_a_function_whose_body_is_not_known_is_refused_by_its_own_name(tmp_path: Path) -> None:
    onnx.save(plain("Bernoulli", X, "float32", opset=22), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="operator Bernoulli is not supported"):
        read_onnx(tmp_path / "one.onnx")

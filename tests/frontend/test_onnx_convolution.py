"""The convolution of ONNX Runtime's own domain, which its optimizer writes with channels last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from npusim.frontend.onnx import read_onnx_bytes
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import node_model, runtime_output


@pytest.mark.parametrize("channels_last", [0, 1])
@pytest.mark.parametrize("group", [1, 2])
def test_the_runtimes_own_convolution_of_either_layout(channels_last: int, group: int) -> None:
    rng = np.random.default_rng(group)
    shape = (1, 7, 9, 8) if channels_last else (1, 8, 7, 9)
    weights = rng.integers(-127, 128, (6, 8 // group, 3, 3)).astype(np.int8)
    constants = [
        np.float32(0.1), np.array(3, np.uint8), weights, np.full(6, 0.02, np.float32),
        np.zeros(6, np.int8), np.float32(0.5), np.array(9, np.uint8),
        rng.integers(-99, 99, 6).astype(np.int32),
    ]  # fmt: skip
    model = node_model(
        "QLinearConv", (TensorProto.UINT8, shape), constants, TensorProto.UINT8,
        domain="com.microsoft", channels_last=channels_last, group=group, pads=[1, 0, 1, 2],
        strides=[2, 1],
    )  # fmt: skip
    x = rng.integers(0, 256, shape).astype(np.uint8)
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    np.testing.assert_array_equal(evaluate(graph, {"x": x})["y"], runtime_output(model, x))

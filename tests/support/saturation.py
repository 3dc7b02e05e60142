"""ONNX Runtime with its default kernels, and a small network that makes pairs saturate.

Needs onnx and onnxruntime; the tests that use it skip without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def ort_saturates() -> bool:
    """True if ONNX Runtime's default kernels saturate on this processor: it is asked."""
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    ends = [
        [helper.make_tensor_value_info(name, kind, [1, size])]
        for name, kind, size in (("a", TensorProto.UINT8, 2), ("y", TensorProto.INT32, 1))
    ]
    weights = numpy_helper.from_array(np.full((2, 1), 127, np.int8), "b")
    graph = helper.make_graph([node], "pair", *ends, [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    a = np.full((1, 2), 255, np.uint8)
    return _session(model.SerializeToString()).run(None, {"a": a})[0].item() == 2**15 - 1


def default_outputs(path: Path, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The one output of ONNX Runtime as it comes."""
    found: np.ndarray = _session(str(path)).run(None, inputs)[0]
    return found


def small_network(
    folder: Path, *, activations: str = "uint8", reduce_range: bool = False
) -> tuple[Path, dict[str, np.ndarray]]:
    """A quantized model and an input: padding, stride, groups, odd channels, depthwise, Gemm."""
    pytest.importorskip("onnxruntime")
    from tests.support.onnx_models import NetworkBuilder, quantize, random_inputs

    b = NetworkBuilder(seed=5)
    x = b.node("Relu", [b.conv("image", 3, 15, 3, stride=2)])
    x = b.node("Relu", [b.conv(x, 15, 15, 3, groups=15)])
    x = b.node("Relu", [b.conv(x, 15, 32, 1)])
    x = b.node("Relu", [b.conv(x, 32, 24, 3, groups=2)])
    x = b.node("Relu", [b.conv(x, 24, 16, 5)])
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    logits = b.dense(x, 16, 10)
    model = b.model({"image": (1, 3, 17, 17)}, {logits: (1, 10)})
    path = quantize(model, folder, "qdq", activations=activations, reduce_range=reduce_range)
    (inputs,) = random_inputs(model, 1)
    return path, inputs


def _session(model: str | bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

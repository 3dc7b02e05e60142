"""A vision transformer, quantized statically: every stored tensor equals ONNX Runtime's."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import expose, quantize, random_inputs, session, wrong_elements
from tests.support.onnx_transformer import vision_transformer


@pytest.mark.parametrize("exact_gelu", [True, False])
@pytest.mark.parametrize("fmt", ["qdq", "qoperator"])
@pytest.mark.parametrize(("dtype", "per_channel"), [("uint8", True), ("int8", False)])
def test_every_stored_tensor_equals_onnx_runtime(
    tmp_path: Path, exact_gelu: bool, fmt: str, dtype: str, per_channel: bool
) -> None:
    model = vision_transformer(exact_gelu)
    path = quantize(model, tmp_path, fmt, activations=dtype, per_channel=per_channel)
    graph = read_onnx(path)
    kinds = {node.op.kind for node in graph.nodes}
    assert {"matmul", "fully_connected", "softmax", "layer_norm", "transpose"} <= kinds
    oracle = session(expose(path, graph), int8=dtype == "int8")
    for sample in random_inputs(onnx.load(path), 2):
        assert not any(wrong_elements(graph, oracle, sample, "c").values())


def test_what_a_quantized_transformer_leaves_in_float32_is_named(tmp_path: Path) -> None:
    graph = read_onnx(quantize(vision_transformer(), tmp_path, "qdq"))
    (note,) = (note for note in graph.notes if "compute in float32" in note)
    assert "2 div" in note and "2 erf" in note

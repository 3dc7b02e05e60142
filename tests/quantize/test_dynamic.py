"""Dynamic quantization: no samples, integer sums, the bits of ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError, UsageError
from npusim.models.bundled import bundled_calibration
from npusim.quantize import Reference, Scheme, Weights, prepared, quantize, quantized_graph
from npusim.quantize.scheme import Activations, kept_in, scheme_named


def few() -> dict[str, np.ndarray]:
    return {name: array[:12] for name, array in bundled_calibration().items()}


def test_layers_become_integer_sums() -> None:
    graph = prepared("digits-float")
    made = quantized_graph(graph, scheme_named("dynamic"))
    kinds = [node.op.kind for node in made.nodes]
    assert kinds.count("conv_integer") == 7 and kinds.count("matmul_integer") == 1
    assert Reference(graph, list(api.inferences(graph, few()))).sqnr_db(made) > 30


def test_onnx_runtime_computes_the_same() -> None:
    pytest.importorskip("onnxruntime")
    report = quantize("digits-float", scheme="dynamic", judged_on=few()).report
    assert report.runtime is not None and report.runtime.wrong == 0
    assert report.float_in_runtime == () and len(report.layers) == 11


def test_layers_can_stay_float() -> None:
    graph = prepared("digits-float")
    scheme = scheme_named("dynamic").with_layer("stem", kept_in("fp32"))
    made = quantized_graph(graph, scheme)
    assert "stem" in [node.name for node in made.nodes if node.op.kind == "conv2d"]


def test_formats_without_such_a_form_are_refused() -> None:
    scheme = Scheme(Weights("int4", "per-block"), Activations("fp32"), dynamic=True)
    with pytest.raises(UnsupportedModelError, match="dynamic quantization has int8 weights"):
        quantize("digits-float", scheme=scheme)
    with pytest.raises(UsageError, match="--correct-bias"):
        quantize("digits-float", few(), "dynamic", correct_bias=True)

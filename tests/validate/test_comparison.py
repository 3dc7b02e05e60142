"""A comparison with a framework from Python: equal where it should be, or refused."""

from __future__ import annotations

import pytest

from npusim.errors import UsageError
from npusim.models.bundled import bundled_samples
from npusim.validate.comparison import compare_with


def test_the_bundled_model_equals_onnx_runtime_in_its_own_arithmetic_only() -> None:
    pytest.importorskip("onnxruntime")
    inputs = {"image": bundled_samples().inputs["image"][:2]}
    found = compare_with("onnxruntime", "digits", "edge-npu-1", inputs)
    assert found.first is None and found.samples == 2
    assert compare_with("onnxruntime", "digits", "edge-npu-1").first is None
    other = compare_with("onnxruntime", "digits", "edge-npu-1", inputs, "single-rounding")
    assert other.first is not None and "onnx" in other.first.explained_by


def test_a_framework_for_other_files_is_refused() -> None:
    with pytest.raises(UsageError, match="litert reads"):
        compare_with("litert", "digits", "edge-npu-1")
    with pytest.raises(UsageError, match="unknown framework 'onnx'"):
        compare_with("onnx", "digits", "edge-npu-1")

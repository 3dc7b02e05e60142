"""Single-operator models in every ONNX format, with numpy's and ml_dtypes' arrays at their ends."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from npusim.frontend.onnx.tensors import FORMAT_OF_TYPE

NARROW = {
    TensorProto.FLOAT8E4M3FN: ml_dtypes.float8_e4m3fn,
    TensorProto.FLOAT8E5M2: ml_dtypes.float8_e5m2,
    TensorProto.BFLOAT16: ml_dtypes.bfloat16,
    TensorProto.INT4: ml_dtypes.int4,
    TensorProto.UINT4: ml_dtypes.uint4,
}
"""Types that numpy itself lacks."""


def node_model(
    op: str, x: tuple[int, tuple[int, ...]], constants: list[np.ndarray | None], out: int,
    opset: int = 21, domain: str = "", **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """A model of one node that reads `x` (type and shape) and constants, None where absent."""
    names = ["" if c is None else f"c{at}" for at, c in enumerate(constants)]
    node = helper.make_node(op, ["x", *names], ["y"], "operator", domain=domain, **attributes)
    given = [
        numpy_helper.from_array(c, name)
        for c, name in zip(constants, names, strict=True)
        if c is not None
    ]
    ends = [helper.make_tensor_value_info("x", *x)]
    outs = [helper.make_tensor_value_info("y", out, None)]
    graph = helper.make_graph([node], "g", ends, outs, given)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def runtime_output(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of x: its first output."""
    return runtime_outputs(model, {"x": x})[0]


def runtime_outputs(model: onnx.ModelProto, given: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What ONNX Runtime makes of the inputs, with exact integer products."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")  # float32
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, given)


def as_stored(values: np.ndarray) -> np.ndarray:
    """An array of ml_dtypes (or numpy) as npusim holds it: codes, or 4-bit values one a byte."""
    kinds = {np.dtype(kind): elem_type for elem_type, kind in NARROW.items()}
    if values.dtype not in kinds:
        return values
    fmt = FORMAT_OF_TYPE[kinds[values.dtype]]
    stored = np.ascontiguousarray(values)
    return stored.astype(fmt.dtype) if fmt.is_integer else stored.view(fmt.dtype)


def same_numbers(found: np.ndarray, expected: np.ndarray) -> bool:
    """True if stored numbers are the same to the bit; any NaN is like any other."""
    stored = as_stored(expected)
    if found.dtype != stored.dtype or found.shape != stored.shape:
        return False
    real = found.dtype.kind == "f" or expected.dtype in (np.dtype(k) for k in NARROW.values())
    if not real:
        return bool(np.array_equal(found, stored))
    is_nan = np.isnan(expected.astype(np.float32))
    bits = f"u{stored.dtype.itemsize}"
    same = found.view(bits) == stored.view(bits)
    found_nan = np.isnan(found.view(expected.dtype).astype(np.float32))
    return bool(np.all(np.where(is_nan, found_nan, same)))

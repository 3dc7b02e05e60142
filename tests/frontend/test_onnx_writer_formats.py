"""Number formats in written files: ONNX Runtime computes what it did from the originals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from npusim.frontend.onnx import read_onnx, read_onnx_bytes
from npusim.frontend.onnx_writer import onnx_model
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import NARROW, node_model, runtime_output
from tests.support.onnx_models import NetworkBuilder, random_inputs

NUMPY = {**NARROW, T.INT8: np.int8, T.UINT8: np.uint8, T.INT16: np.int16, T.UINT16: np.uint16}
INTEGERS = (T.INT4, T.UINT4, T.INT8, T.UINT8, T.INT16, T.UINT16)
FLOATS8 = (T.FLOAT8E4M3FN, T.FLOAT8E5M2)
PLACES = {"tensor": ((), {}), "axis": ((4,), {"axis": 0}), "block": ((4, 6), {"block_size": 8})}
SHAPE = (4, 48)


def again(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model that the writer makes of `model`, checked."""
    written = onnx_model(read_onnx_bytes(model.SerializeToString(), Path("first.onnx")))
    onnx.checker.check_model(written, full_check=True)
    return written


def _grid(stored: int, shape: tuple[int, ...]) -> list[np.ndarray | None]:
    scale = np.random.default_rng(5).uniform(0.2, 2.0, shape).astype(np.float32)
    zero = np.full(shape, 0 if stored in FLOATS8 else 3, np.int8).astype(NUMPY[stored])
    return [scale, zero]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stored", [*INTEGERS, *FLOATS8])
def test_borders_of_every_format(stored: int, place: str) -> None:
    """QuantizeLinear and DequantizeLinear: formats, scales, zero points, axes, blocks."""
    shape, attributes = PLACES[place]
    x = np.random.default_rng(2).uniform(-40, 40, SHAPE).astype(np.float32)
    model = node_model("QuantizeLinear", (T.FLOAT, SHAPE), _grid(stored, shape), T.FLOAT,
                       **attributes)  # fmt: skip
    model.graph.node[0].output[0] = "q"
    model.graph.node.append(
        helper.make_node("DequantizeLinear", ["q", "c0", "c1"], ["y"], "back", **attributes)
    )
    written = again(model)
    expected = runtime_output(model, x)
    assert np.unique(expected).size > 10
    assert np.array_equal(runtime_output(written, x), expected)
    graph = read_onnx_bytes(written.SerializeToString(), Path("again.onnx"))
    assert np.array_equal(evaluate(graph, {"x": x})["y"], expected)


@pytest.mark.parametrize("saturate", [0, 1])
def test_what_becomes_of_large_numbers_is_kept(saturate: int) -> None:
    x = np.array([[1e6, -1e6, 464.0, 448.0, np.inf, 5e4]], np.float32)
    for stored in FLOATS8:
        model = node_model(
            "QuantizeLinear", (T.FLOAT, x.shape), _grid(stored, ()), stored, saturate=saturate
        )
        (node,) = (one for one in again(model).graph.node if one.op_type == "QuantizeLinear")
        assert [one.i for one in node.attribute if one.name == "saturate"] == [saturate]


def _network() -> onnx.ModelProto:
    b = NetworkBuilder(4)
    x = b.node("Relu", [b.conv("image", 3, 8, 3, stride=2)])
    x = b.node("Add", [x, b.conv(x, 8, 8, 3, groups=8)])
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    return b.model({"image": (1, 3, 8, 8)}, {b.dense(x, 8, 5): (1, 5)})


FORMS = {
    "int16": (QuantType.QInt16, QuantType.QInt8),
    "uint16": (QuantType.QUInt16, QuantType.QInt8),
    "int4 weights": (QuantType.QUInt8, QuantType.QInt4),
}


@pytest.mark.parametrize("form", FORMS)
def test_networks_of_other_integers(tmp_path: Path, form: str) -> None:
    """ONNX Runtime has no integer kernels for these: node by node it computes the same float32."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        samples = iter(random_inputs(_network(), 3, seed=1))

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.samples, None)

    onnx.save(_network(), tmp_path / "float.onnx")
    path = tmp_path / "quantized.onnx"
    activations, weights = FORMS[form]
    quantize_static(
        str(tmp_path / "float.onnx"), str(path), Reader(), quant_format=QuantFormat.QDQ,
        activation_type=activations, weight_type=weights, per_channel=True,
    )  # fmt: skip
    graph = read_onnx(path)
    written = onnx_model(graph).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    first, second = (onnxruntime.InferenceSession(one, options) for one in (str(path), written))
    reread = read_onnx_bytes(written, path)
    for given in random_inputs(_network(), 3, seed=2):
        assert np.array_equal(first.run(None, given)[0], second.run(None, given)[0])
        ours, theirs = (evaluate(one, given)[graph.outputs[0]] for one in (graph, reread))
        assert np.array_equal(ours, theirs)
    stored = {graph.tensors[node.inputs[1]].format.name for node in graph.nodes
              if node.op.kind == "conv2d"}  # fmt: skip
    assert stored == {"int4" if "int4" in form else "int8"}


def test_weights_in_blocks() -> None:
    """A product whose weights have a scale for each 8 of their rows; beside fp16 they are reals."""
    random = np.random.default_rng(7)
    for kind, dtype in ((T.FLOAT, np.float32), (T.FLOAT16, np.float16)):
        data = random.integers(-8, 8, (32, 6)).astype(NARROW[T.INT4])
        scale = random.uniform(0.1, 0.4, (4, 6)).astype(dtype)
        nodes = [
            helper.make_node("DequantizeLinear", ["w", "s"], ["r"], "dq", axis=0, block_size=8),
            helper.make_node("MatMul", ["x", "r"], ["y"], "product"),
        ]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes, "g", [info("x", kind, (2, 32))], [info("y", kind, (2, 6))],
            [numpy_helper.from_array(data, "w"), numpy_helper.from_array(scale, "s")],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        written = again(model)
        if kind == T.FLOAT:
            kept = {one.name: one for one in written.graph.initializer}
            assert kept["w"].data_type == T.INT4
            assert np.array_equal(numpy_helper.to_array(kept["w"]), data)
        x = random.standard_normal((2, 32)).astype(dtype)
        assert np.array_equal(runtime_output(written, x), runtime_output(model, x))

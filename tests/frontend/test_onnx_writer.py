"""Graphs written as ONNX in Q/DQ form: ONNX Runtime computes from the file what npusim does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

import npusim
from npusim.api import Model
from npusim.errors import UnsupportedModelError
from npusim.execution.drawn import random_inputs
from npusim.frontend import load_model
from npusim.frontend.catalogue import ENTRIES
from npusim.frontend.layer_table import read_layer_table
from npusim.frontend.onnx import read_onnx, read_onnx_bytes
from npusim.frontend.onnx_writer import onnx_model
from npusim.frontend.onnx_writer.writer import WRITERS
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.pairs.add import Add
from npusim.ir.tensor import Tensor
from npusim.models.bundled import bundled_model_path
from npusim.numerics.formats import INT8, INT32, format_named
from npusim.numerics.quantization import Activation, Quantization
from tests.support import onnx_models
from tests.support.evaluate import evaluate
from tests.support.graphs import graphs, only
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq
from tests.support.shared import shared_path


def check(graph: Graph, rounds: int = 2) -> onnx.ModelProto:
    """Write `graph`; 0 wrong elements in ONNX Runtime, and in npusim reading the file again.

    The profile is `onnx` in all of them, whatever the graph was read from.
    """
    model = onnx_model(graph)
    onnx.checker.check_model(model, full_check=True)
    again = read_onnx_bytes(model.SerializeToString(), Path("again.onnx"))
    assert again.inputs == graph.inputs and again.outputs == graph.outputs
    signed = any(tensor.format.name == "int8" and not tensor.is_constant
                 for tensor in graph.tensors.values())  # fmt: skip
    oracle = session(model, int8=signed)
    for seed in range(rounds):
        inputs = random_inputs(graph, seed)
        found = evaluate(graph, inputs, profile="onnx", path="c")
        expected = dict(zip(graph.outputs, oracle.run(list(graph.outputs), inputs), strict=True))
        values = evaluate(again, inputs, path="c")
        for name in graph.outputs:
            assert found[name].dtype == expected[name].dtype
            assert np.array_equal(found[name], expected[name]), name
            assert np.array_equal(found[name], values[name]), name
    return model


def test_the_bundled_network() -> None:
    """Written and read again, it is the same graph."""
    graph = load_model(bundled_model_path())
    model = check(graph, 4)
    again = read_onnx_bytes(model.SerializeToString(), Path("again.onnx"))
    assert [node.op for node in again.nodes] == [node.op for node in graph.nodes]


@pytest.mark.parametrize("fmt", ["qdq", "qoperator"])
@pytest.mark.parametrize("activations", ["uint8", "int8"])
@pytest.mark.parametrize("network", ["resnet18", "mobilenet_v2"])
@pytest.mark.slow
def test_networks_that_onnx_runtime_quantized(
    tmp_path: Path, network: str, activations: str, fmt: str
) -> None:
    """The file that we write gives what the file that ONNX Runtime's tool wrote gives."""
    made = getattr(onnx_models, network)(32)
    path = onnx_models.quantize(made, tmp_path, fmt, activations=activations)
    graph = read_onnx(path)
    model = check(graph, 1)
    inputs = random_inputs(graph, 5)
    written = read_onnx_bytes(model.SerializeToString(), path)
    oracle = session(path, int8=activations == "int8")
    assert set(wrong_elements(written, oracle, inputs, "c").values()) == {0}


TINY = (
    "mlperf_tiny_ad01_int8",
    "mlperf_tiny_kws_ref_model",
    "mlperf_tiny_pretrainedResnet_quant",
    "mlperf_tiny_vww_96_int8",
)


@pytest.mark.parametrize("name", [*TINY, "mobilenet_v2_1.0_224_quant"])
def test_networks_read_from_tflite(name: str) -> None:
    """Channels-last networks, channels first from the first image operator to the last one."""
    model = check(load_model(shared_path("data", "models", f"{name}.tflite")), 1)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Transpose") <= 2
    assert {op.version for op in model.opset_import} == {21}


@pytest.mark.parametrize(
    "name",
    ["mlperf-tiny-ic", *(pytest.param(one, marks=pytest.mark.slow) for one in
                         ("mobilenet-v3-small", "deit-tiny", "yolov8n"))],
)  # fmt: skip
def test_built_in_networks(name: str) -> None:
    """Global pooling of channels-last images, gates that broadcast, attention, detection heads."""
    graph = npusim.load_model(name).graph
    model = check(graph, 1)
    if name == "mobilenet-v3-small":
        assert [node.op_type for node in model.graph.node].count("Transpose") == 1


X = Operand((1, 3, 6, 5), 0.021, 117)
Y = Operand((1, 3, 6, 5), 0.034, 90)
SAME = Operand((), 0.021, 117)
OUT = Operand((), 0.05, 100)
INTS: Callable[..., np.ndarray] = lambda *values: np.array(values, np.int64)  # noqa: E731
ONE: dict[str, tuple[dict[str, Operand], Operand, dict[str, np.ndarray], dict[str, object]]] = {
    "Abs": ({"x": X}, OUT, {}, {}),
    "Add": ({"x": X, "b": Y}, OUT, {}, {}),
    "AveragePool": ({"x": X}, OUT, {}, {"kernel_shape": [3, 2], "pads": [1, 0, 1, 0]}),
    "Concat": ({"x": X, "b": Y}, OUT, {}, {"axis": 1}),
    "DepthToSpace": ({"x": Operand((1, 8, 3, 2), 0.021, 117)}, SAME, {}, {"blocksize": 2}),
    "Div": ({"x": X, "b": Operand((1, 3, 6, 5), 0.03, 0)}, OUT, {}, {}),
    "Elu": ({"x": X}, OUT, {}, {"alpha": 0.5}),
    "Expand": ({"x": X}, SAME, {"shape": INTS(2, 3, 6, 5)}, {}),
    "Gather": ({"x": X}, SAME, {"rows": INTS(2, 0)}, {"axis": 1}),
    "Gelu": ({"x": X}, OUT, {}, {"approximate": "tanh"}),
    "GlobalAveragePool": ({"x": X}, OUT, {}, {}),
    "HardSwish": ({"x": X}, OUT, {}, {}),
    "LeakyRelu": ({"x": X}, OUT, {}, {"alpha": 0.1}),
    "MatMul": ({"x": X, "b": Operand((1, 3, 5, 4), 0.034, 90)}, OUT, {}, {}),
    "Max": ({"x": X, "b": Y}, OUT, {}, {}),
    "MaxPool": ({"x": X}, SAME, {}, {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "Mul": ({"x": X, "b": Y}, OUT, {}, {}),
    "Pad": ({"x": X}, SAME, {"pads": INTS(0, 0, 1, 2, 0, 1, 0, 0)}, {}),
    "ReduceMax": ({"x": X}, SAME, {"axes": INTS(2)}, {"keepdims": 0}),
    "ReduceMean": ({"x": X}, OUT, {"axes": INTS(1, 3)}, {"keepdims": 1}),
    "Relu": ({"x": X}, SAME, {}, {}),
    "Reshape": ({"x": X}, SAME, {"shape": INTS(3, 30)}, {}),
    "Resize": ({"x": X}, SAME, {"roi": np.zeros(0, np.float32),
                                "scales": np.array([1, 1, 2, 3], np.float32)}, {"mode": "nearest"}),
    "Sigmoid": ({"x": X}, OUT, {}, {}),
    "Slice": ({"x": X}, SAME, {"starts": INTS(4), "ends": INTS(0), "axes": INTS(2),
                               "steps": INTS(-2)}, {}),
    "Softmax": ({"x": X}, Operand((), 1 / 256, 0), {}, {"axis": 1}),
    "Sub": ({"x": X, "b": Y}, OUT, {}, {}),
    "Tanh": ({"x": X}, OUT, {}, {}),
    "Tile": ({"x": X}, SAME, {"repeats": INTS(1, 2, 1, 1)}, {}),
    "Transpose": ({"x": X}, SAME, {}, {"perm": [0, 2, 3, 1]}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("operator", ONE)
def test_one_operator(tmp_path: Path, operator: str, dtype: str) -> None:
    operands, output, extra, attributes = ONE[operator]
    shift = 128 if dtype == "int8" else 0
    given = {name: replace(one, zero=one.zero - shift) for name, one in operands.items()}
    y = replace(output, zero=output.zero - shift)
    model = qdq(operator, given, y, dtype=dtype, extra=extra, opset=20, **attributes)
    path = tmp_path / "one.onnx"
    onnx.save(model, path)
    check(read_onnx(path), 1)


def _with_drawn_constants(graph: Graph, seed: int) -> Graph:
    """`graph` with integers drawn for its constants, small ones for biases."""
    random = np.random.default_rng(seed)
    tensors = dict(graph.tensors)
    for name, tensor in graph.tensors.items():
        if tensor.data is not None and tensor.format in (INT8, INT32):
            most = 128 if tensor.format == INT8 else 3000
            drawn = random.integers(-most, most, tensor.shape).astype(tensor.format.dtype)
            tensors[name] = replace(tensor, data=drawn)
    return replace(graph, tensors=tensors)


@settings(max_examples=15, deadline=None)
@given(graph=graphs(), seed=st.integers(0, 2**16))
def test_random_channels_last_graphs(graph: Graph, seed: int) -> None:
    """Convolutions, pools, sums and movements in any order, images in either form."""
    check(_with_drawn_constants(graph, seed), 1)


CLAMPS = {
    "implied by the range": ("RELU", 0.05, -128, ["Conv", "Relu"]),
    "implied on both sides": ("RELU6", 6 / 255, -128, ["Conv", "Clip"]),
    "within the range": ("RELU6", 0.05, -100, ["Conv", "QuantizeLinear", "Clip"]),
    "below within the range": ("RELU", 0.05, 0, ["Conv", "QuantizeLinear", "Relu"]),
    "on both sides of zero": ("RELU_N1_TO_1", 0.02, 10, ["Conv", "QuantizeLinear", "Clip"]),
}


@pytest.mark.parametrize("case", CLAMPS)
def test_a_clamp_stands_where_the_convolution_stays_in_integers(tmp_path: Path, case: str) -> None:
    name, scale, zero, order = CLAMPS[case]
    graph = _with_drawn_constants(only(lambda b, x: b.conv(x, 6, (3, 3), bias=True), 1, 7, 6, 4), 3)
    node = graph.nodes[0]
    clamped = replace(node, op=replace(node.op, activation=Activation[name]))  # type: ignore[type-var]
    out = replace(graph.tensors[node.outputs[0]], quantization=Quantization.per_tensor(scale, zero))
    graph = replace(graph, nodes=(clamped,), tensors={**graph.tensors, out.name: out})
    model = check(graph, 3)
    kinds = [one.op_type for one in model.graph.node]
    places = [kinds.index("Conv")]
    for kind in order[1:]:
        places.append(kinds.index(kind, places[-1] + 1))
    assert places == sorted(places)
    if order[1] != "QuantizeLinear":
        assert kinds.index(order[1]) == kinds.index("Conv") + 1
    session(model, tmp_path / "fused.onnx", int8=True)
    fused = [one.op_type for one in onnx.load(tmp_path / "fused.onnx").graph.node]
    assert "QLinearConv" in fused and "Conv" not in fused


def test_a_clamp_of_plain_integers_has_their_type() -> None:
    """Index arithmetic: sums of int32 between 0 and 6."""
    names = ("a", "b", "y")
    node = Node("sum", Add(Activation.RELU6), names[:2], names[2:])
    tensors = {name: Tensor(name, (2, 5), INT32) for name in names}
    graph = Graph("plain", (node,), tensors, names[:2], names[2:], "tflite-reference")
    model = onnx_model(graph)
    a, b = (np.arange(-5, 5, dtype=np.int32).reshape(2, 5) * factor for factor in (1, 2))
    (found,) = session(model).run(None, {"a": a, "b": b})
    assert np.array_equal(found, np.clip(a + b, 0, 6)) and found.dtype == np.int32


def test_what_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    """Every operator and tensor, in one error; then no file is there."""
    graph = load_model(bundled_model_path())
    first = graph.nodes[0]

    class Strange(type(first.op)):  # type: ignore[misc]
        kind = "strange"

    name = graph.nodes[3].outputs[0]
    broken = replace(
        graph,
        nodes=(Node("odd", Strange(), first.inputs, first.outputs), *graph.nodes[1:]),
        tensors={**graph.tensors, name: replace(graph.tensors[name], format=format_named("int12"))},
    )
    target = tmp_path / "out.onnx"
    with pytest.raises(UnsupportedModelError) as caught:
        npusim.export_onnx(Model(broken), target)
    said = str(caught.value)
    assert "node 'odd' (strange): operator strange is not written as ONNX" in said
    assert f"'{name}' is int12; fp32, fp16, bf16, " in said
    assert not target.exists()


def test_models_without_numbers_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("name,m,n,k\nproduct,4,4,4\n")
    with pytest.raises(UnsupportedModelError, match="a layer table has no weights"):
        onnx_model(read_layer_table(table))
    graph = load_model(bundled_model_path())
    with pytest.raises(UnsupportedModelError, match="counted only: as a test"):
        onnx_model(replace(graph, counted_only="as a test"))


def test_what_onnx_runtime_would_quantize_is_refused(tmp_path: Path) -> None:
    """A float32 convolution between integers, which depth to space kept it from in the file."""
    node = helper.make_node
    nodes = [
        node("DequantizeLinear", ["x", "s", "z"], ["real"], "dq"),
        node("DepthToSpace", ["real"], ["wide"], "blocks", blocksize=2),
        node("Conv", ["wide", "w"], ["sum"], "conv"),
        node("QuantizeLinear", ["sum", "s", "z"], ["y"], "q"),
    ]
    info = helper.make_tensor_value_info
    constants = [
        onnx.numpy_helper.from_array(np.array(value, dtype), name)
        for name, value, dtype in (
            ("s", 0.02, np.float32), ("z", 7, np.uint8),
            ("w", np.full((2, 1, 1, 1), 0.3), np.float32),
        )
    ]  # fmt: skip
    kind = onnx.TensorProto.UINT8
    graph = helper.make_graph(
        nodes, "g", [info("x", kind, [1, 4, 2, 2])], [info("y", kind, None)], constants
    )
    path = tmp_path / "one.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    with pytest.raises(UnsupportedModelError, match="would quantize its parameters"):
        onnx_model(read_onnx(path))


def test_float_models_are_written_too(tmp_path: Path) -> None:
    made = onnx_models.mobilenet_v2(32)
    onnx.save(made, tmp_path / "float.onnx")
    graph = read_onnx(tmp_path / "float.onnx")
    model = onnx_model(graph)
    again = read_onnx_bytes(model.SerializeToString(), Path("again.onnx"))
    inputs = random_inputs(graph, 1)
    (name,) = graph.outputs
    ours, theirs = (evaluate(one, inputs, path="c")[name] for one in (graph, again))
    assert np.array_equal(ours, theirs)
    (expected,) = session(model).run(None, inputs)
    assert np.allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_every_written_operator_is_known() -> None:
    """The table has no operator that no graph can have."""
    assert set(WRITERS) <= {entry.op.kind for entry in ENTRIES}

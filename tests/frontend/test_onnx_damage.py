"""A truncated, mutated or hostile .onnx file loads or gets one clear error, never a traceback."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim.errors import ModelFileError, NpusimError, UnsupportedModelError, UsageError
from npusim.frontend.onnx import read_onnx
from npusim.ir.graph import Graph
from npusim.kernels.table import kernels
from npusim.models.bundled import bundled_model_path
from npusim.numerics.profiles import PROFILES
from tests.support.evaluate import evaluate
from tests.support.onnx_models import NetworkBuilder, quantize

MUTATIONS, TRUNCATIONS = 400, 80
LARGEST_RUN = 200_000
"""Elements of all tensors up to which a mutated model is run as well."""


def _small_network() -> onnx.ModelProto:
    b = NetworkBuilder(4)
    x = b.node("Relu", [b.conv("image", 3, 4, 3, stride=2)])
    x = b.node("Add", [x, b.conv(x, 4, 4, 3, groups=4)])
    x = b.node("Concat", [x, b.node("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4)], axis=1)
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    y = b.node("Softmax", [b.dense(x, 8, 5)], axis=-1)
    return b.model({"image": ("N", 3, 8, 8)}, {y: ("N", 5)})


@pytest.fixture(scope="module", params=["qdq", "qoperator"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("small")
    return quantize(_small_network(), folder, request.param).read_bytes()


def _use(graph: Graph) -> None:
    """Count and bind every node, and run the graph if it is small."""
    for profile in PROFILES.values():
        for node in graph.nodes:
            operands = graph.operands(node)
            node.op.loop_nest(*operands)
            node.op.bind(*operands, profile, kernels("reference"))
    if sum(tensor.size for tensor in graph.tensors.values()) < LARGEST_RUN:
        inputs = [graph.tensors[name] for name in graph.inputs]
        with np.errstate(all="ignore"):
            evaluate(graph, {t.name: np.zeros(t.shape, t.format.dtype) for t in inputs})


def _outcome(content: bytes, path: Path) -> str:
    """ "loads" or the name of the error; anything else escapes and fails the test."""
    path.write_bytes(content)
    try:
        _use(read_onnx(path))
    except NpusimError as error:
        assert error.problems and all(problem.what for problem in error.problems)
        return type(error).__name__
    return "loads"


def _mutated(content: bytes, random: np.random.Generator) -> bytes:
    """A copy with one to four bytes, or one word, replaced."""
    changed = bytearray(content)
    if random.random() < 0.7:
        for _ in range(int(random.integers(1, 5))):
            changed[int(random.integers(0, len(changed)))] = int(random.integers(0, 256))
    else:
        word = int(random.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80808080, 0x01FFFFFF]))
        at = int(random.integers(0, len(changed) - 4))
        changed[at : at + 4] = struct.pack("<I", word)
    return bytes(changed)


def test_mutations_load_or_are_refused(small: bytes, tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    outcomes = {_outcome(_mutated(small, random), tmp_path / "m.onnx") for _ in range(MUTATIONS)}
    assert {"loads", "ModelFileError", "UnsupportedModelError"} <= outcomes


def test_truncations_are_refused(small: bytes, tmp_path: Path) -> None:
    random = np.random.default_rng(12)
    for length in random.integers(0, len(small) - 1, TRUNCATIONS):
        assert _outcome(small[: int(length)], tmp_path / "t.onnx") != "loads"


@pytest.mark.slow
def test_many_more_mutations(small: bytes, tmp_path: Path) -> None:
    random = np.random.default_rng(13)
    for _ in range(20 * MUTATIONS):
        _outcome(_mutated(small, random), tmp_path / "m.onnx")


def _one_conv(weights: TensorProto, folder: Path, image: tuple[object, ...] = (1, 2, 4, 4)) -> Path:
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, image)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [x], [y], [weights])
    path = folder / "model.onnx"
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    return path


def _weights() -> TensorProto:
    return numpy_helper.from_array(np.ones((3, 2, 1, 1), np.float32), "w")


def _external(location: str, **entries: object) -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 2, 1, 1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_onnx(path)
    return str(caught.value)


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32)
    (tmp_path / "weights.bin").write_bytes(b"1234" + values.tobytes())
    graph = read_onnx(_one_conv(_external("weights.bin", offset=4, length=24), tmp_path))
    assert np.array_equal(graph.tensors["w"].data.reshape(-1), values)


@pytest.mark.parametrize("location", ["../weights.bin", "a/../../weights.bin", "..\\weights.bin"])
def test_external_data_above_the_model_is_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(24))
    assert "outside the model's folder" in _refusal(_one_conv(_external(location), folder))


def test_external_data_with_an_absolute_path_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "weights.bin"
    target.write_bytes(bytes(24))
    assert "outside the model's folder" in _refusal(_one_conv(_external(str(target)), tmp_path))


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(24))
    (folder / "weights.bin").symlink_to(tmp_path / "weights.bin")
    assert "outside the model's folder" in _refusal(_one_conv(_external("weights.bin"), folder))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "reaches past the end"),
        ({"length": 8}, "its shape needs 24"),
        ({"offset": -4}, "offset '-4'"),
        ({"offset": 10**30}, "reaches past the end"),
    ],
)
def test_external_data_of_another_size_is_refused(
    tmp_path: Path, entries: dict[str, object], message: str
) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(8))
    assert message in _refusal(_one_conv(_external("weights.bin", **entries), tmp_path))


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    message = _refusal(_one_conv(_external("absent.bin"), tmp_path))
    assert "constant 'w'" in message and "'absent.bin' is not there" in message


@pytest.mark.parametrize("dims", [(2**31, 2**31, 2, 2), (3, -2, 1, 1), (2**40, 1, 1, 0)])
def test_huge_and_negative_shapes_are_refused_before_memory_is_taken(
    tmp_path: Path, dims: tuple[int, ...]
) -> None:
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=b"1234")
    assert "constant 'w'" in _refusal(_one_conv(weights, tmp_path))


def test_huge_inputs_and_outputs_are_refused(tmp_path: Path) -> None:
    assert "elements" in _refusal(_one_conv(_weights(), tmp_path, (1, 2, 2**20, 2**20)))
    wide = numpy_helper.from_array(np.ones((40, 2, 1, 1), np.float32), "w")
    assert "elements" in _refusal(_one_conv(wide, tmp_path, (1, 2, 2**14, 2**14)))


def test_a_huge_constant_is_not_computed(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([2**20, 2**20], np.int64), "shape")
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["y"], "filled")]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [], [y], [shape])), path)
    with pytest.raises(UnsupportedModelError, match="too large to fold"):
        read_onnx(path)


def test_every_unsupported_node_is_listed_by_name(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Det", ["x"], ["a"], "first"),
        helper.make_node("Conv", ["a", "w"], ["b"], "fine"),
        helper.make_node("Unique", ["b"], ["c"], "second"),
        helper.make_node("Relu", ["x"], ["d"], "also fine"),
        helper.make_node("MaxPool", ["d"], ["e", "indices"], "third", kernel_shape=[2, 2]),
        helper.make_node("Odd", ["e"], ["y"], "fourth", domain="example"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 4, 4))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [y], [_weights()])), path)
    with pytest.raises(UnsupportedModelError) as caught:
        read_onnx(path)
    assert [str(problem) for problem in caught.value.problems] == [
        "node 'first' (Det): operator Det is not supported",
        "node 'second' (Unique): operator Unique is not supported",
        "node 'third' (MaxPool): the indices of the maxima are not supported",
        "node 'fourth' (Odd): operator example.Odd is not supported",
    ]


def test_a_tensor_that_nothing_writes_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["ghost"], ["y"], "relu")]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [], [y])), path)
    assert _refusal(path) == "node 'relu' (Relu): reads 'ghost', which nothing has written"


@pytest.mark.parametrize("content", [b"", b"not a model at all", bytes(100), b"\x08\x07"])
def test_files_that_are_no_models_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert "is not an ONNX file" in _refusal(path)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_onnx(tmp_path / "absent.onnx")


@pytest.mark.parametrize("name", [b"image", b"stem", b"Conv"])
def test_a_name_that_is_not_text_is_refused(name: bytes, tmp_path: Path) -> None:
    """Protobuf gives such a name as bytes, which no other part of npusim expects."""
    content = bundled_model_path().read_bytes()
    assert name in content
    path = tmp_path / "model.onnx"
    path.write_bytes(content.replace(name, b"\xff" + name[1:]))
    with pytest.raises(ModelFileError, match="not UTF-8"):
        read_onnx(path)

"""AIMET encodings on a float model: the bits of AIMET's own Q/DQ export, and nothing left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import npusim
from npusim.errors import ModelFileError, NpusimError, UnsupportedModelError, UsageError
from npusim.frontend.aimet import read_with_encodings
from tests.support.aimet import (
    NET,
    QDQ,
    VERSIONS,
    document,
    edited,
    encodings,
    entry,
    ways_to_values,
)
from tests.support.evaluate import evaluate
from tests.support.onnx_models import session


def _images(count: int = 6) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((count, 1, 3, 8, 8)).astype(np.float32)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_bits_are_those_of_aimets_own_export(version: str) -> None:
    """0 wrong elements against ONNX Runtime on the Q/DQ model that AIMET wrote."""
    graph = read_with_encodings(NET, encodings(version))
    oracle = session(QDQ)
    name = oracle.get_inputs()[0].name
    for image in _images():
        (expected,) = oracle.run(None, {name: image})
        assert np.array_equal(evaluate(graph, {"image": image})["prob"], expected)


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_between_the_borders_is_on_integers(version: str) -> None:
    """Supergroups, movements that AIMET gives no encoding, and biases are integers too."""
    graph = read_with_encodings(NET, encodings(version))
    kinds = [node.op.kind for node in graph.nodes]
    assert (kinds[0], kinds[-1]) == ("quantize", "dequantize")
    assert all(graph.tensors[node.outputs[0]].format.name == "uint8" for node in graph.nodes[:-1])
    biases = [graph.tensors[n.inputs[2]] for n in graph.nodes if len(n.inputs) > 2 and n.inputs[2]]
    assert [bias.format.name for bias in biases] == ["int32"] * 4
    assert not graph.notes
    assert kinds.count("conv2d") == 3 and kinds.count("relu") == 1


def test_the_hash_tells_encodings_apart(tmp_path: Path) -> None:
    """What is kept for a model is not taken for another quantization of it."""
    changed = edited(tmp_path, "1.0.0", lambda content: entry(content, "sum").update(scale=[0.02]))
    hashes = {read_with_encodings(NET, path).sha256 for path in (changed, encodings("1.0.0"))}
    assert len(hashes) == 2


def _without(*names: str) -> Any:
    def edit(content: dict[str, Any]) -> None:
        for key in ("activation_encodings", "param_encodings"):
            content[key] = [one for one in content[key] if one["name"] not in names]

    return edit


def test_what_has_no_encoding_is_an_error(tmp_path: Path) -> None:
    path = edited(tmp_path, "1.0.0", _without("sum", "fc.weight", "image"))
    with pytest.raises(ModelFileError) as caught:
        read_with_encodings(NET, path)
    said = [problem.what for problem in caught.value.problems]
    assert said == [
        "4 tensors have no encoding; with --partial-encodings what has none stays float32",
        "no encoding for input 'image'",
        "no encoding for constant 'fc.weight' of Gemm 'fc'",
        "no encoding for result 'sum' of Add 'sum'",
        "no encoding for result 'pooled' of MaxPool 'pool'",
    ]


def test_it_may_be_left_out_if_that_is_asked_for(tmp_path: Path) -> None:
    """Then it is computed in float32, and a note says so."""
    path = edited(tmp_path, "1.0.0", _without("sum"))
    graph = read_with_encodings(NET, path, partial=True)
    (note,) = (note for note in graph.notes if "no encoding" in note)
    assert "result 'sum' of Add 'sum', result 'pooled' of MaxPool 'pool'" in note
    assert graph.tensors["sum"].format.name == "fp32"
    evaluate(graph, {"image": _images(1)[0]})


def test_encodings_of_float32_are_no_gap(tmp_path: Path) -> None:
    """AIMET says of a tensor that it stays in 32-bit floating point; its movements follow it."""

    def edit(content: dict[str, Any]) -> None:
        one = entry(content, "sum")
        one.clear()
        one.update(name="sum", dtype="FLOAT", bw=32, enc_type="PER_TENSOR")

    graph = read_with_encodings(NET, edited(tmp_path, "1.0.0", edit))
    assert graph.tensors["sum"].format.name == "fp32"
    assert not any("no encoding" in note for note in graph.notes)


def _new(name: str, /, **fields: object) -> Any:
    return lambda content: entry(content, name).update(fields)


WRONG = {
    "a name that is none": (_new("gate", name="gaet"), "no tensor 'gaet' (did you mean 'gate'?)"),
    "too few channels": (_new("pw.weight", scale=[0.1] * 3, offset=[-128] * 3),
                         "has 3 scales for the 8 channels of 'pw.weight'"),
    "a shape": (_new("gate", name="flat"), "'flat' holds no float32 values"),
    "no channel axis": (_new("lo", enc_type="PER_CHANNEL", scale=[1.0] * 2, offset=[0] * 2),
                        "has 2 scales, but 'lo' has no channel axis"),
    "blocks that do not fit": (_new("fc.weight", enc_type="PER_BLOCK", block_size=5),
                               "blocks of 5 do not fit the 16 of axis 1"),
}  # fmt: skip
REFUSED = {
    "12 bits": (_new("gate", bw=12), "uint12 is not supported"),
    "16-bit floats": (_new("gate", dtype="FLOAT", bw=16), "float of 16 bits is not supported"),
    "channels of a result": (_new("gate", enc_type="PER_CHANNEL", scale=[1.0] * 8, offset=[0] * 8),
                             "'gate' is computed: it needs one scale, not 8"),
    "0 outside": (_new("gate", offset=[30]), "its zero point -30 is outside uint8"),
    "3 bits in blocks": (_new("fc.weight", enc_type="LPBQ", block_size=8, compressed_bw=3,
                              per_block_int_scale=[1] * 20), "int3 is not supported"),
    "32 bits": (_new("gate", bw=32, is_sym=True, offset=[-(2**31)]), "'gate' is no bias"),
    "half a step": (_new("gate", zero_point_shift=[0.5]), "no whole number"),
}  # fmt: skip


@pytest.mark.parametrize("case", [*WRONG, *REFUSED])
def test_what_does_not_fit_is_named(tmp_path: Path, case: str) -> None:
    edit, expected = {**WRONG, **REFUSED}[case]
    path = edited(tmp_path, "1.0.0", edit)
    with pytest.raises((ModelFileError, UnsupportedModelError)) as caught:
        read_with_encodings(NET, path)
    assert expected in str(caught.value)
    if case in REFUSED:
        assert isinstance(caught.value, UnsupportedModelError)
        assert len(caught.value.problems) == 1


def test_a_bias_is_int32_or_left_alone(tmp_path: Path) -> None:
    narrow = edited(tmp_path, "2.0.0", _new("pw.bias", output_dtype="int8"))
    with pytest.raises(UnsupportedModelError, match="a bias in int8 is not supported"):
        read_with_encodings(NET, narrow)


def test_a_strictly_symmetric_weight_leaves_a_code_out(tmp_path: Path) -> None:
    """Weights are clipped to 127 steps on either side; a result can't be kept from -128."""

    def strict(content: dict[str, Any]) -> None:
        for one in content["param_encodings"]["pw.weight"]:
            scale = one["scale"] / 4
            one.update(scale=scale, offset=-127, min=-127 * scale, max=127 * scale)

    graph = read_with_encodings(NET, edited(tmp_path, "0.6.1", strict))
    weights = graph.tensors["pw.weight_quantized"].data
    assert weights is not None and (weights.min(), weights.max()) == (-127, 127)

    def of_a_result(content: dict[str, Any]) -> None:
        content["activation_encodings"]["sum"] = content["param_encodings"]["pw.weight"][:1]

    with pytest.raises(UnsupportedModelError, match="strictly symmetric grid"):
        read_with_encodings(NET, edited(tmp_path, "0.6.1", strict, of_a_result))


@pytest.mark.parametrize("granularity", ["PER_CHANNEL", "PER_BLOCK"])
def test_four_bit_weights_are_the_same_numbers_in_eight(tmp_path: Path, granularity: str) -> None:
    """int4 computes what int8 on the same steps computes, in half the bytes."""
    found = []
    for bits in (4, 8):

        def coarse(content: dict[str, Any], bits: int = bits) -> None:
            one = entry(content, "mm.weight")
            scales = [32 * scale for scale in one["scale"]]
            if granularity == "PER_BLOCK":
                scales = [factor * scale for scale in scales for factor in (1, 2)]
                one.update(enc_type="PER_BLOCK", block_size=5)
            one.update(bw=bits, offset=[-(2.0 ** (bits - 1))] * len(scales), scale=scales)

        found.append(read_with_encodings(NET, edited(tmp_path, "1.0.0", coarse)))
    stored = [graph.tensors["mm.weight_quantized"] for graph in found]
    assert [one.format.name for one in stored] == ["int4", "int8"]
    assert [one.size_bytes for one in stored] == [20, 40]
    four, eight = (one.data for one in stored)
    assert four is not None and eight is not None and np.array_equal(four, eight)
    assert four.min() < 0 < four.max()


@pytest.mark.parametrize("name", ["fc.weight", "mm.weight"])
def test_scales_of_blocks_are_in_the_order_of_the_channels(tmp_path: Path, name: str) -> None:
    """Version 1 lists the blocks of the first channel first, wherever the constant has its axes.

    With LPBQ the scale of a block is an integer times that of its channel.
    """
    size, channels = (8, 10) if name == "fc.weight" else (5, 4)
    factors = np.arange(1, 2 * channels + 1).reshape(channels, 2)

    def blocks(content: dict[str, Any]) -> None:
        one = entry(content, name)
        integers = [int(factor) for factor in factors.reshape(-1)]
        one.update(enc_type="LPBQ", block_size=size, compressed_bw=4, bw=8,
                   per_block_int_scale=integers)  # fmt: skip

    graph = read_with_encodings(NET, edited(tmp_path, "1.0.0", blocks))
    stored = graph.tensors[f"{name}_quantized"]
    per_channel = read_with_encodings(NET, encodings("1.0.0")).tensors[f"{name}_quantized"]
    assert stored.quantization is not None and per_channel.quantization is not None
    assert stored.format.name == "int4" and stored.quantization.block == size
    expected = per_channel.quantization.scale[:, None] * factors.astype(np.float32)
    assert np.array_equal(stored.quantization.scale.reshape(channels, 2), expected)


def test_only_a_float_onnx_model_takes_encodings(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is quantized already"):
        read_with_encodings(QDQ, encodings("1.0.0"))
    other = tmp_path / "table.csv"
    other.write_text("name\n")
    with pytest.raises(UsageError, match="--encodings: "):
        npusim.load_model(other, encodings=encodings("1.0.0"))


def test_load_model_takes_them() -> None:
    model = npusim.load_model(NET, encodings=encodings("1.0.0"))
    assert npusim.simulate(model, "edge-npu-1").total.cycles > 0
    with pytest.raises(TypeError, match="encodings: expected a path"):
        npusim.load_model(NET, encodings=3)  # type: ignore[arg-type]


def _two_readers() -> onnx.ModelProto:
    """A convolution whose result a Relu and an Add read: no supergroup."""
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["y"], "conv"), node("Relu", ["y"], ["z"], "relu"),
        node("Add", ["y", "z"], ["sum"], "sum"),
    ]  # fmt: skip
    info = onnx.helper.make_tensor_value_info
    image = info("x", onnx.TensorProto.FLOAT, [1, 1, 4, 4])
    weights = onnx.numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), "w")
    graph = onnx.helper.make_graph(
        nodes, "two", [image], [info("sum", onnx.TensorProto.FLOAT, None)], [weights]
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])


def test_a_result_with_two_readers_is_outside_supergroups(tmp_path: Path) -> None:
    onnx.save(_two_readers(), tmp_path / "two.onnx")
    path = tmp_path / "none.encodings"
    path.write_text('{"version": "1.0.0", "activation_encodings": [], "param_encodings": []}')
    with pytest.raises(ModelFileError) as caught:
        read_with_encodings(tmp_path / "two.onnx", path)
    named = " ".join(problem.what for problem in caught.value.problems)
    for name in ("input 'x'", "constant 'w'", "'y' of Conv 'conv'", "'z'", "'sum'"):
        assert name in named


@pytest.mark.parametrize("version", VERSIONS)
def test_any_value_may_be_any_other(tmp_path: Path, version: str) -> None:
    """Whatever the file says, the model is quantized and runs, or there is a clear error."""
    random = np.random.default_rng(9)
    content = document(version)
    odd: list[Any] = [0, 1, -1, 2, 8, 16, 1e-38, 1e30, -(2**31), True, "int8", "INT", [0.5], []]
    places = ways_to_values(content)
    image = {"image": _images(1)[0]}
    for _ in range(40):
        changed = document(version)
        way = places[int(random.integers(len(places)))]
        inner = changed
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = odd[int(random.integers(len(odd)))]
        path = tmp_path / "odd.encodings"
        path.write_text(json.dumps(changed))
        try:
            with np.errstate(all="ignore"):
                evaluate(read_with_encodings(NET, path, partial=True), image)
        except NpusimError as error:
            assert all(problem.what for problem in error.problems)

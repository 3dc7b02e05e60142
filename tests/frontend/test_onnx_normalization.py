"""Normalizations: 0 wrong elements on 8 bits and on float32 against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError
from npusim.frontend.onnx import read_onnx
from tests.support.evaluate import evaluate
from tests.support.onnx_checks import assert_close, plain
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq

DTYPES = ("uint8", "int8")
RNG_SEED = 11


def _real(shape: tuple[int, ...], seed: int, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, spread, shape).astype(np.float32)


def floats(
    op: str, x: tuple[int, ...], constants: dict[str, np.ndarray], opset: int = 17,
    **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """A model of one float32 operator with constants behind its data."""
    return plain(op, {"x": ("float32", x)}, "float32", constants, opset, **attributes)


def check_integers(model: onnx.ModelProto, path: Path, dtype: str, rounds: int = 3) -> None:
    """No element differs over inputs that span the range."""
    onnx.save(model, path)
    graph = read_onnx(path)
    assert [node.op.kind for node in graph.nodes] == [graph.nodes[-1].op.kind]
    oracle = session(path, int8=dtype == "int8")
    info = np.iinfo(dtype)
    for seed in range(rounds):
        random = np.random.default_rng(seed)
        shape = graph.tensors["x"].shape
        x = random.integers(info.min, info.max + 1, shape).astype(dtype)
        assert wrong_elements(graph, oracle, {"x": x}) == {"y": 0}


def check_floats(model: onnx.ModelProto, path: Path) -> None:
    """No bit differs."""
    onnx.save(model, path)
    graph = read_onnx(path)
    x = _real(graph.tensors["x"].shape, 5, 3.0)
    (expected,) = session(path).run(None, {"x": x})
    np.testing.assert_array_equal(evaluate(graph, {"x": x})["y"], expected)


LAYERS = {
    "last axis": ((2, 5, 64), -1),
    "short": ((3, 7), -1),
    "one": ((3, 1), 1),
    "tail of three": ((4, 3, 35), 2),
    "tail of seven": ((1, 9, 103), -1),
    "several axes": ((2, 3, 4, 9), 2),
    "all axes": ((3, 8), 0),
    "rank 1": ((17,), 0),
    "rank 4": ((1, 4, 6, 24), -1),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("shifted", [True, False])
def test_layer_norm_of_floats_to_the_bit(tmp_path: Path, layer: str, shifted: bool) -> None:
    shape, axis = LAYERS[layer]
    constants = {"scale": _real(shape[axis:], 1)}
    if shifted:
        constants["shift"] = _real(shape[axis:], 2)
    model = floats("LayerNormalization", shape, constants, axis=axis, epsilon=1e-6)
    check_floats(model, tmp_path / "one.onnx")


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scales", [(0.02, 0.03), (1.5, 0.011)])
def test_layer_norm_on_integers(
    tmp_path: Path, layer: str, dtype: str, scales: tuple[float, float]
) -> None:
    shape, axis = LAYERS[layer]
    x = Operand(shape, scales[0], 117 if dtype == "uint8" else -11)
    y = Operand((), scales[1], 140 if dtype == "uint8" else 12)
    extra = {"scale": _real(shape[axis:], 1), "shift": _real(shape[axis:], 2)}
    model = qdq("LayerNormalization", {"x": x}, y, dtype=dtype, extra=extra, axis=axis)
    check_integers(model, tmp_path / "one.onnx", dtype)


def test_parameters_that_are_stored_as_integers(tmp_path: Path) -> None:
    """ONNX Runtime's quantizer stores scale as int8 and shift as int32."""
    rng = np.random.default_rng(RNG_SEED)
    operands = {
        "x": Operand((2, 3, 24), 0.05, 131),
        "scale": Operand((24,), 0.01, 0, rng.integers(-127, 128, 24).astype(np.int8)),
        "shift": Operand((24,), 0.0005, 0, rng.integers(-900, 900, 24).astype(np.int32)),
    }
    model = qdq("LayerNormalization", operands, Operand((), 0.03, 120), axis=-1)
    check_integers(model, tmp_path / "one.onnx", "uint8")


CHANNELS = {
    "images": (2, 5, 7, 9),
    "many rows": (3, 40, 5, 5),
    "one axis": (10, 3, 13),
    "one pixel": (3, 6, 1, 1),
}
STATISTICS = {
    "BatchNormalization": ("scale", "shift", "mean", "variance"),
    "InstanceNormalization": ("scale", "shift"),
}


def _statistics(op: str, channels: int) -> dict[str, np.ndarray]:
    values = {name: _real((channels,), at) for at, name in enumerate(STATISTICS[op])}
    if "variance" in values:
        values["variance"] = np.abs(values["variance"]) + np.float32(0.1)
    return values


@pytest.mark.parametrize("shape", CHANNELS)
@pytest.mark.parametrize("op", STATISTICS)
def test_norms_per_channel_of_floats_to_the_bit(tmp_path: Path, op: str, shape: str) -> None:
    extents = CHANNELS[shape]
    model = floats(op, extents, _statistics(op, extents[1]), epsilon=1e-3)
    check_floats(model, tmp_path / "one.onnx")


@pytest.mark.parametrize("shape", CHANNELS)
@pytest.mark.parametrize("op", STATISTICS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_norms_per_channel_on_integers(tmp_path: Path, op: str, shape: str, dtype: str) -> None:
    extents = CHANNELS[shape]
    x = Operand(extents, 0.0213, 117 if dtype == "uint8" else -11)
    y = Operand((), 0.031, 140 if dtype == "uint8" else 12)
    extra = _statistics(op, extents[1])
    model = qdq(op, {"x": x}, y, dtype=dtype, extra=extra, epsilon=1e-5)
    check_integers(model, tmp_path / "one.onnx", dtype)


GROUPS = {"images": ((2, 8, 6, 5), 4), "rows": ((3, 6, 11), 3), "one group": ((1, 6, 4, 4), 1)}


@pytest.mark.parametrize("case", GROUPS)
@pytest.mark.parametrize("opset", [18, 21])
@pytest.mark.parametrize("dtype", ["float32", *DTYPES])
def test_group_norms(tmp_path: Path, case: str, opset: int, dtype: str) -> None:
    shape, groups = GROUPS[case]
    many = shape[1] if opset == 21 else groups
    constants = {"scale": _real((many,), 1), "shift": _real((many,), 2)}
    given = {"opset": opset, "num_groups": groups, "epsilon": 1e-4}
    if dtype == "float32":
        model = floats("GroupNormalization", shape, constants, **given)
        check_floats(model, tmp_path / "one.onnx")
        return
    x = Operand(shape, 0.0213, 117 if dtype == "uint8" else -11)
    y = Operand((), 0.031, 140 if dtype == "uint8" else 12)
    model = qdq("GroupNormalization", {"x": x}, y, dtype=dtype, extra=constants, **given)
    check_integers(model, tmp_path / "one.onnx", dtype)


def test_channels_that_fall_into_no_groups_are_refused(tmp_path: Path) -> None:
    constants = {"scale": _real((8,), 1), "shift": _real((8,), 2)}
    model = floats("GroupNormalization", (1, 8, 4, 4), constants, opset=21, num_groups=3)
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match=r"operator.*do not fall into 3 groups"):
        read_onnx(tmp_path / "one.onnx")


def test_an_instance_norm_is_cut_along_channels_only(tmp_path: Path) -> None:
    """Pixels of a row belong together; channels and samples do not."""
    model = floats("InstanceNormalization", (2, 5, 7, 9), _statistics("InstanceNormalization", 5))
    onnx.save(model, tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    (node,) = graph.nodes
    nest = node.op.loop_nest(*graph.operands(node))
    assert nest.splits == {"B", "K"}
    assert [operand.dims for operand in nest.operands[1:3]] == [{"K"}, {"K"}]


def test_damaged_layer_norms_are_named(tmp_path: Path) -> None:
    path = tmp_path / "one.onnx"
    cases = [
        (floats("LayerNormalization", (2, 8), {"s": _real((8,), 1)}, axis=3), "axis 3"),
        (floats("LayerNormalization", (2, 8), {"s": _real((7,), 1)}), "needs \\(8,\\)"),
    ]
    for model, message in cases:
        onnx.save(model, path)
        with pytest.raises(ModelFileError, match=f"operator.*{message}"):
            read_onnx(path)


def test_statistics_are_those_of_onnx_runtime(tmp_path: Path) -> None:
    model = floats("LayerNormalization", (2, 3, 8), {"s": _real((8,), 1)})
    for name in ("mean", "inverse"):
        model.graph.node[0].output.append(name)
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    assert_close(model, tmp_path / "one.onnx", 1e-7, 1e-6)

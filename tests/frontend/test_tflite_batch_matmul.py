"""BATCH_MATMUL against LiteRT: both ways of storing each matrix, constants, broadcast batches."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend import load_model
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_cases import inputs_for
from tests.support.tflite_models import TinyModel

BATCHES = (
    ((), (), ()), ((2,), (2,), (2,)), ((3,), (), (3,)), ((), (2,), (2,)), ((2, 1), (3,), (2, 3)),
    ((1, 2), (3, 1), (3, 2)),
)  # fmt: skip


def model(rng: np.random.Generator, constant: bool = False, symmetric: bool = False) -> TinyModel:
    """One product; a third of the output scales is a power of two, so that ties occur."""
    m = TinyModel()
    rows, depth, columns = (int(rng.integers(1, 24)) for _ in range(3))
    adj_x, adj_y = (bool(rng.integers(2)) for _ in range(2))
    left, right, out = BATCHES[int(rng.integers(len(BATCHES)))]
    scales = np.exp(rng.uniform(np.log(0.004), np.log(0.2), 2))
    scale = float(scales.prod() * 75 * 75 * np.sqrt(depth) / 64 * np.exp(rng.uniform(-1.5, 1.5)))
    if rng.random() < 0.4:
        scales, scale = 2.0 ** np.round(np.log2(scales)), float(2.0 ** np.round(np.log2(scale)))
    zeros = [int(zero) for zero in rng.integers(-128, 128, 3)]
    zeros[1] = 0 if symmetric else zeros[1]
    a = m.tensor(
        "a", (*left, *((depth, rows) if adj_x else (rows, depth))), "int8", scales[0], zeros[0]
    )
    b_shape = (*right, *((columns, depth) if adj_y else (depth, columns)))
    m.inputs.append(a)
    if constant:
        data = rng.integers(-127, 128, b_shape).astype(np.int8)
        b = m.constant("b", data, scales[1], zeros[1])
    else:
        b = m.tensor("b", b_shape, "int8", scales[1], zeros[1])
        m.inputs.append(b)
    y = m.tensor("y", (*out, rows, columns), "int8", scale, zeros[2])
    m.outputs.append(y)
    m.operator("BATCH_MATMUL", [a, b], [y], "BatchMatMulOptions", AdjX=adj_x, AdjY=adj_y)
    return m


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize(("constant", "symmetric"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_products_equal_litert(profile, constant, symmetric, tmp_path):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        m = model(rng, bool(constant), bool(symmetric))
        file = tmp_path / f"{seed}.tflite"
        file.write_bytes(m.content())
        x = inputs_for(m, rng)
        oracle = litert.interpreter(m.content(), profile)
        litert.run(oracle, x)
        found = evaluate(load_model(file), x, profile, "c")["y"]
        np.testing.assert_array_equal(found, litert.outputs(oracle)["y"], str(seed))


def test_a_product_is_counted_on_the_array(tmp_path):
    m = model(np.random.default_rng(3))
    file = tmp_path / "model.tflite"
    file.write_bytes(m.content())
    a, y = m.tensors[0], m.tensors[2]
    depth = np.prod(a.shape) // np.prod(a.shape[:-2], dtype=int) // y.shape[-2]
    graph = load_model(file)
    (node,) = graph.nodes
    assert node.op.loop_nest(*graph.operands(node)).macs == np.prod(y.shape) * depth


def _uint8(m: TinyModel) -> None:
    for tensor in m.tensors:
        tensor.dtype, tensor.zero_point = "uint8", 128


def _of_other_depth(m: TinyModel) -> None:
    m.tensors[1].shape = (*m.tensors[1].shape[:-2], 31, 31)


def _of_rank_one(m: TinyModel) -> None:
    m.tensors[1].shape = (4,)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (_uint8, UnsupportedModelError, "not uint8"),
        (_of_other_depth, ModelFileError, "multiplied|broadcast"),
        (_of_rank_one, ModelFileError, "multiplied"),
    ],
)
def test_what_can_not_be_multiplied_is_refused(damage, error, message, tmp_path):
    m = model(np.random.default_rng(0))
    damage(m)
    file = tmp_path / "model.tflite"
    file.write_bytes(m.content())
    with pytest.raises(error, match=message):
        load_model(file)

"""Shapes that a TFLite file leaves open: worked out as LiteRT does when it allocates tensors."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

import npusim
from npusim.errors import ModelFileError, UnsupportedModelError, UsageError
from npusim.frontend.tflite import read_tflite
from npusim.ir.graph import Graph
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_models import TinyModel
from tests.support.tflite_movements import CHAINS, MOVEMENTS

ALL = {**MOVEMENTS, **CHAINS}


def read(model: TinyModel, folder: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Graph:
    path = folder / "model.tflite"
    path.write_bytes(model.content())
    return read_tflite(path, shapes)


def opened(model: TinyModel) -> TinyModel:
    """`model` as a converter writes it that knows no extent of what depends on the inputs."""
    m = copy.deepcopy(model)
    for tensor in m.tensors:
        if tensor.data is None:
            tensor.signature = (-1,) * len(tensor.shape)
            tensor.shape = (1,) * len(tensor.shape)
    return m


def network(extents: tuple[int, int, int] = (6, 6, 4)) -> TinyModel:
    """A dilated neighbourhood by batches, then rows of pixels for a product, as Keras writes it.

    SHAPE, GATHER, REDUCE_PROD and PACK make the shape of the rows; only the batch is open.
    """
    height, width, depth = extents
    m = TinyModel()
    open_ = {"scale": 0.05, "zero_point": 3}
    x = m.tensor("x", (1, height, width, depth), **open_)
    blocks = m.constant("blocks", np.array([2, 2], np.int32))
    edges = m.constant("edges", np.zeros((2, 2), np.int32))
    rows = m.tensor("rows", (1, height // 2, width // 2, depth), **open_)
    back = m.tensor("back", (1, height, width, depth), **open_)
    m.operator("SPACE_TO_BATCH_ND", [x, blocks, edges], [rows], "SpaceToBatchNDOptions")
    m.operator("BATCH_TO_SPACE_ND", [rows, blocks, edges], [back], "BatchToSpaceNDOptions")
    extent = m.tensor("extent", (4,), "int32")
    m.operator("SHAPE", [back], [extent], "ShapeOptions", 1, OutType=2)
    free = m.tensor("free", (3,), "int32")
    m.operator("GATHER", [extent, m.constant("kept", np.array([0, 1, 2], np.int32))], [free],
               "GatherOptions", 1)  # fmt: skip
    count = m.tensor("count", (), "int32")
    zero = m.constant("zero", np.array([0], np.int32))
    m.operator("REDUCE_PROD", [free, zero], [count], "ReducerOptions", 2)
    asked = m.tensor("asked", (2,), "int32")
    last = m.constant("last", np.array(depth, np.int32))
    m.operator("PACK", [count, last], [asked], "PackOptions", 1, ValuesCount=2)
    y = m.tensor("y", (1, 1), **open_)
    m.operator("RESHAPE", [back, asked], [y], version=1)
    for index in (x, rows, back):
        m.tensors[index].signature = (-1, *m.tensors[index].shape[1:])
    m.tensors[y].signature = (-1, -1)
    m.inputs, m.outputs = [x], [y]
    return m


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ALL)
def test_an_open_model_reads_as_the_closed_one(name: str, seed: int, tmp_path: Path) -> None:
    model = ALL[name](np.random.default_rng(seed), "int8")
    closed = read(model, tmp_path)
    given = {name: closed.tensors[name].shape for name in closed.inputs}
    graph = read(opened(model), tmp_path, given)
    assert [node.op for node in graph.nodes] == [node.op for node in closed.nodes]
    for tensor in closed.tensors.values():
        assert graph.tensors[tensor.name].shape == tensor.shape


@pytest.mark.parametrize("batch", [1, 3])
def test_the_open_batch_is_one_or_as_given(batch: int, tmp_path: Path) -> None:
    model = network()
    shapes = {"x": (3, 6, 6, 4)} if batch == 3 else None
    graph = read(model, tmp_path, shapes)
    oracle = litert.interpreter(model.content(), "tflite-reference", shapes=shapes)
    x = np.random.default_rng(0).integers(-128, 128, (batch, 6, 6, 4)).astype(np.int8)
    litert.run(oracle, {"x": x})
    np.testing.assert_array_equal(evaluate(graph, {"x": x})["y"], litert.outputs(oracle)["y"])
    assert bool(graph.notes) == (batch == 1)


def test_the_open_batch_may_be_set_for_a_run(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(network().content())
    model = npusim.load_model(path, {"x": (2, 6, 6, 4)})
    x = np.random.default_rng(0).integers(-128, 128, (2, 6, 6, 4)).astype(np.int8)
    found = npusim.execute(model, "edge-npu-1", {"x": x}).outputs["y"]
    np.testing.assert_array_equal(found, x.reshape(72, 4))


def test_shapes_that_do_not_fit_an_input_are_refused(tmp_path: Path) -> None:
    wrong = {"x": "does not fit input 'x' of shape \\?x6x6x4", "y": "no input 'y'"}
    for shape in ((2, 6, 6, 5), (6, 6, 4), (0, 6, 6, 4)):
        with pytest.raises(UsageError, match=wrong["x"]):
            read(network(), tmp_path, {"x": shape})
    with pytest.raises(UsageError, match=wrong["y"]):
        read(network(), tmp_path, {"y": (1, 6, 6, 4)})


def test_an_open_extent_beside_the_batch_must_be_given(tmp_path: Path) -> None:
    model = network()
    for tensor in model.tensors:
        if tensor.signature and len(tensor.shape) == 4:
            tensor.shape, tensor.signature = (1, 1, 1, 4), (-1, -1, -1, 4)
    with pytest.raises(UsageError, match="open extent on axis 0, 1, 2; give it with --shape x="):
        read(model, tmp_path)
    assert read(model, tmp_path, {"x": (1, 4, 8, 4)}).tensors["y"].shape == (32, 4)


def test_what_follows_from_an_unsupported_node_is_not_called_damaged(tmp_path: Path) -> None:
    model = network()
    _, ins, outs, *_ = model.operators[0]
    model.operators[0] = ("CUMSUM", ins, outs, "", {}, 1)
    with pytest.raises(UnsupportedModelError, match="CUMSUM"):
        read(model, tmp_path)


def test_a_signature_of_another_rank_is_damage(tmp_path: Path) -> None:
    model = network()
    model.tensors[0].signature = (-1, 6, 6)
    with pytest.raises(ModelFileError, match="shape signature"):
        read(model, tmp_path)
    model.tensors[0].signature = (-2, 6, 6, 4)
    with pytest.raises(ModelFileError, match="shape signature"):
        read(model, tmp_path)


def test_an_extent_that_is_not_open_must_follow_from_the_inputs(tmp_path: Path) -> None:
    model = network()
    model.tensors[3].signature, model.tensors[3].shape = (-1, 4, 3, 4), (1, 4, 3, 4)
    with pytest.raises(ModelFileError, match=r"gives shape \(4, 3, 3, 4\), the file says"):
        read(model, tmp_path)

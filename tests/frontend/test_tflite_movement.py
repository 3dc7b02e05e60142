"""Each TFLite operator that moves values: not one wrong element against LiteRT, in any format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend import load_model
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_models import TinyModel
from tests.support.tflite_movements import CHAINS, MOVEMENTS

DRAWS = 6
ALL = MOVEMENTS | CHAINS
FORMATS = ("int8", "uint8", "float32", "int32")


def arrays_for(model: TinyModel, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random values over the whole range of 8 bits."""
    found = {}
    for index in model.inputs:
        t = model.tensors[index]
        low = 0 if t.dtype == "uint8" else -128
        found[t.name] = rng.integers(low, low + 256, t.shape).astype(t.dtype)
    return found


def wrong_elements(model: TinyModel, profile: str, rng: np.random.Generator, file: Path) -> int:
    """Elements in which npusim differs from LiteRT."""
    inputs = arrays_for(model, rng)
    file.write_bytes(model.content())
    made = litert.interpreter(model.content(), profile)
    litert.run(made, inputs)
    values = evaluate(load_model(file), inputs, profile)
    return sum(int((values[name] != array).sum()) for name, array in litert.outputs(made).items())


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("kind", list(ALL))
def test_movements_equal_litert(kind, dtype, profile, tmp_path):
    rng = np.random.default_rng(5)
    if kind == "RESIZE_BILINEAR" and dtype not in ("int8", "uint8"):
        pytest.skip("is exact on 8 bits only; see the test below")
    for _ in range(DRAWS):
        model = ALL[kind](rng, dtype)
        assert wrong_elements(model, profile, rng, tmp_path / "m.tflite") == 0


def test_linear_resize_of_float32_is_near(tmp_path):
    """LiteRT takes coordinates times input / output extents, npusim divides by the inverse."""
    rng = np.random.default_rng(6)
    for _ in range(20):
        model = ALL["RESIZE_BILINEAR"](rng, "float32")
        inputs = arrays_for(model, rng)
        (tmp_path / "m.tflite").write_bytes(model.content())
        ours = evaluate(load_model(tmp_path / "m.tflite"), inputs, "tflite-reference")["y"]
        made = litert.interpreter(model.content(), "tflite-reference")
        litert.run(made, inputs)
        np.testing.assert_allclose(ours, litert.outputs(made)["y"], rtol=1e-6, atol=128 * 2e-6)


def bad_models() -> dict[str, tuple[TinyModel, str]]:
    """Nodes that contradict themselves, and what the error must name."""
    found = {}

    def model(kind: str, table: str, constants: list[object], shape=(2, 3, 4, 5), out=(2, 3, 4, 5),
              outputs: int = 1, first: bool = True, **options: object) -> TinyModel:  # fmt: skip
        m = TinyModel()
        x = m.tensor("x", shape, "int8", 0.5, 0)
        m.inputs.append(x)
        given = [m.constant(f"c{i}", np.array(c, np.int32)) for i, c in enumerate(constants)]
        m.outputs = [m.tensor(f"y{i}", out, "int8", 0.5, 0) for i in range(outputs)]
        m.operator(kind, [x, *given] if first else [*given, x], m.outputs, table, **options)
        return m

    found["order"] = model("TRANSPOSE", "TransposeOptions", [[0, 1, 1, 2]]), "no order of the axes"
    found["rank"] = model("TRANSPOSE", "TransposeOptions", [[1, 0]]), "no order of the axes"
    found["slice"] = model("SLICE", "SliceOptions", [[0] * 4, [2, 3, 5, 5]]), "0 to 5 of 4"
    masks = [[0] * 4, [0] * 4, [1] * 4]
    found["empty"] = model("STRIDED_SLICE", "StridedSliceOptions", masks), "nothing is left"
    zero = [[0] * 4, [1] * 4, [0] * 4]
    found["stride"] = model("STRIDED_SLICE", "StridedSliceOptions", zero), "stride is 0"
    found["axis"] = model("SPLIT", "SplitOptions", [[7]], first=False), "axis 7 is outside rank 4"
    found["parts"] = (
        model("SPLIT", "SplitOptions", [[1]], outputs=2, first=False),
        "splits 3 elements into 2 parts",
    )
    found["sizes"] = model("SPLIT_V", "SplitVOptions", [[1, 1], [1]], outputs=2), "3 elements"
    found["unpack"] = model("UNPACK", "UnpackOptions", [], outputs=2, Axis=1), "for 3 slices"
    found["index"] = model("GATHER", "GatherOptions", [[0, 9]], out=(2, 3, 4, 5)), "outside an axis"
    found["repeats"] = model("TILE", "TileOptions", [[1, 2]]), "do not fit shape"
    found["block"] = model("SPACE_TO_DEPTH", "SpaceToDepthOptions", [], BlockSize=2), "do not fit"
    found["no block"] = model("DEPTH_TO_SPACE", "DepthToSpaceOptions", []), "BlockSize is 0"
    found["mirror"] = (
        model("MIRROR_PAD", "MirrorPadOptions", [[[2, 0], [0, 0], [0, 0], [0, 0]]]),
        "reflect padding",
    )
    found["size"] = (
        model("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", [[3, 3, 3]]),
        "resizes shape",
    )
    found["two outputs"] = (
        model("TRANSPOSE", "TransposeOptions", [[0, 1, 2, 3]], outputs=2), "has 2 outputs",
    )  # fmt: skip
    return found


@pytest.mark.parametrize("case", list(bad_models()))
def test_a_node_that_contradicts_itself_is_named(case, tmp_path):
    model, reason = bad_models()[case]
    file = tmp_path / "m.tflite"
    file.write_bytes(model.content())
    with pytest.raises(ModelFileError, match=reason):
        load_model(file)


def test_a_linear_resize_does_not_rescale(tmp_path):
    """LiteRT would interpolate the integers and leave the scales as they are."""
    model = ALL["RESIZE_BILINEAR"](np.random.default_rng(1), "int8")
    model.tensors[model.outputs[0]].scale = 0.07
    (tmp_path / "m.tflite").write_bytes(model.content())
    with pytest.raises(UnsupportedModelError, match="between equal scales only"):
        load_model(tmp_path / "m.tflite")


def test_shapes_that_a_file_computes_are_constants(tmp_path):
    """SHAPE, a slice of it and a stack of that make the constant that a gather reads."""
    m = TinyModel()
    x = m.tensor("x", (1, 3, 4), "int8", 0.5, 0)
    m.inputs.append(x)
    shape, first = m.tensor("shape", (3,), "int32"), m.tensor("first", (), "int32")
    indices, y = m.tensor("indices", (2,), "int32"), m.tensor("y", (1, 2, 4), "int8", 0.5, 0)
    m.outputs.append(y)
    m.operator("SHAPE", [x], [shape], "ShapeOptions", version=1, OutType=2)
    bounds = [m.constant(n, np.array([v], np.int32)) for n, v in (("b", 0), ("e", 1), ("s", 1))]
    m.operator("STRIDED_SLICE", [shape, *bounds], [first], "StridedSliceOptions", version=1,
               ShrinkAxisMask=1)  # fmt: skip
    two = m.constant("two", np.array(2, np.int32))
    m.operator("PACK", [first, two], [indices], "PackOptions", version=1, ValuesCount=2, Axis=0)
    m.operator("GATHER", [x, indices], [y], "GatherOptions", version=2, Axis=1)
    rng = np.random.default_rng(0)
    assert wrong_elements(m, "tflite-reference", rng, tmp_path / "m.tflite") == 0
    graph = load_model(tmp_path / "m.tflite")
    assert [node.op.kind for node in graph.nodes] == ["gather"]
    assert graph.tensors["indices"].data.tolist() == [1, 2]


def test_constants_that_a_file_makes_are_known(tmp_path):
    """RANGE and FILL of constants make the places that a gather takes."""
    m = TinyModel()
    x = m.tensor("x", (2, 5, 3), "int8", 0.5, 0)
    m.inputs.append(x)
    ends = [m.constant(n, np.array(v, np.int32)) for n, v in (("a", 4), ("b", -1), ("c", -2))]
    places, two = m.tensor("places", (3,), "int32"), m.tensor("two", (2,), "int32")
    turned, y = m.tensor("turned", (2, 3, 3), "int8", 0.5, 0), m.tensor("y", (2, 3, 2), "int8", 0.5)
    m.outputs.append(y)
    m.operator("RANGE", ends, [places], "RangeOptions", version=1)
    given = [m.constant("n", np.array([2], np.int32)), m.constant("v", np.array(1, np.int32))]
    m.operator("FILL", given, [two], "FillOptions", version=1)
    m.operator("GATHER", [x, places], [turned], "GatherOptions", version=2, Axis=1)
    m.operator("GATHER", [turned, two], [y], "GatherOptions", version=2, Axis=2)
    rng = np.random.default_rng(0)
    assert wrong_elements(m, "tflite-reference", rng, tmp_path / "m.tflite") == 0
    graph = load_model(tmp_path / "m.tflite")
    assert graph.tensors["places"].data.tolist() == [4, 2, 0]
    assert graph.tensors["two"].data.tolist() == [1, 1]


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_a_reversed_tensor_keeps_its_stored_integers(dtype, profile, tmp_path):
    """A converter gives it a scale of its own; LiteRT does not rescale."""
    rng = np.random.default_rng(8)
    for _ in range(3):
        model = MOVEMENTS["REVERSE_V2"](rng, dtype)
        model.tensors[model.outputs[0]].scale = 0.07
        assert wrong_elements(model, profile, rng, tmp_path / "m.tflite") == 0


def resize_to_a_computed_size(rng: np.random.Generator, dtype: str) -> TinyModel:
    """RESIZE_BILINEAR to the shape of a second input."""
    m = MOVEMENTS["RESIZE_BILINEAR"](rng, dtype)
    kind, ins, outs, *rest = m.operators.pop()
    m.inputs.append(m.tensor("like", m.tensors[outs[0]].shape[1:3], "int8", 1.0))
    size = m.tensor("asked", (2,), "int32")
    m.operator("SHAPE", [m.inputs[-1]], [size], "ShapeOptions", 1, OutType=2)
    m.operators.append((kind, (ins[0], size), outs, *rest))
    return m


@pytest.mark.parametrize("profile", litert.PROFILES)
def test_a_linear_resize_to_a_size_that_the_model_computes(profile, tmp_path):
    """XNNPACK leaves it to the built-in kernel, whose rule for uint8 is not known."""
    rng = np.random.default_rng(9)
    for _ in range(12):
        model = resize_to_a_computed_size(rng, "int8")
        assert wrong_elements(model, profile, rng, tmp_path / "m.tflite") == 0
    model = resize_to_a_computed_size(rng, "uint8")
    if profile == "xnnpack":
        with pytest.raises(UnsupportedModelError, match="whose size the model computes"):
            wrong_elements(model, profile, rng, tmp_path / "m.tflite")
    else:
        assert wrong_elements(model, profile, rng, tmp_path / "m.tflite") == 0

"""TFLite's operators on 16 bits against LiteRT 2.3.0: not one wrong element, on all inputs too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tflite

from npusim.errors import NpusimError
from npusim.frontend import load_model
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_cases import KINDS, inputs_for
from tests.support.tflite_models import TinyModel
from tests.support.tflite_wide import (
    FUNCTIONS,
    WIDE,
    batch_matmul,
    function_model,
    words,
)

FAST, SLOW = range(4), range(4, 120)
REFUSED = {("SUM", "tflite-reference")}
"""LiteRT's reference SUM of 16 bits reads half of the bytes."""


def wrong_elements(
    model: TinyModel, inputs: dict[str, np.ndarray], profile: str, folder: Path,
    path: str = "reference",
) -> int:  # fmt: skip
    """Elements in which a model differs from LiteRT."""
    made = litert.interpreter(model.content(), profile)
    litert.run(made, inputs)
    file = folder / "wide.tflite"
    file.write_bytes(model.content())
    values = evaluate(load_model(file), inputs, profile, path)
    return sum(int((values[name] != array).sum()) for name, array in litert.outputs(made).items())


def drawn(kind: str, seed: int) -> tuple[TinyModel, dict[str, np.ndarray]]:
    rng = np.random.default_rng([seed, 16])
    model = WIDE[kind](rng, "int16")
    return model, inputs_for(model, rng)


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", list(WIDE))
def test_an_operator_equals_litert(kind: str, profile: str, tmp_path: Path) -> None:
    if (kind, profile) in REFUSED:
        pytest.skip("refused: see below")
    wrong = {seed: wrong_elements(*drawn(kind, seed), profile, tmp_path) for seed in FAST}
    assert not any(wrong.values()), wrong


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", list(WIDE))
def test_an_operator_equals_litert_on_many_draws(kind: str, profile: str, tmp_path: Path) -> None:
    if (kind, profile) in REFUSED:
        pytest.skip("refused: see below")
    wrong = {seed: wrong_elements(*drawn(kind, seed), profile, tmp_path) for seed in SLOW}
    assert not any(wrong.values()), {seed: n for seed, n in wrong.items() if n}


LONG_SUMS = tflite.TensorType.INT64
"""What TensorFlow's converter writes as the type of a bias, even where there is none."""


def layer(
    rng: np.random.Generator, bias: bool, per_channel: bool, dtype: str, bias_type: int
) -> TinyModel:
    """FULLY_CONNECTED of 16 bits with so many outputs that some come near to a tie."""
    m, units, depth = TinyModel(), 2000, int(rng.integers(4, 40))
    m.inputs.append(m.tensor("x", (3, depth), "int16", float(rng.uniform(0.001, 0.1))))
    largest = 7 if dtype == "int4" else 127
    w = rng.integers(-largest, largest + 1, (units, depth)).astype(np.int8)
    scale = rng.uniform(0.001, 0.01, units if per_channel else 1).astype(np.float32)
    m.constant("w", w, scale, dtype=dtype)
    product = np.float32(m.tensors[0].scale) * scale
    b = -1
    if bias:
        b = m.constant("b", rng.integers(-(10**6), 10**6, units), product)
    y_scale = float(product.mean() * largest * np.sqrt(depth))
    m.outputs.append(m.tensor("y", (3, units), "int16", y_scale))
    m.operator("FULLY_CONNECTED", [0, 1, b], m.outputs, "FullyConnectedOptions", version=7,
               QuantizedBiasType=bias_type)  # fmt: skip
    return m


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["int8", "int4"])
@pytest.mark.parametrize(("bias", "bias_type"), [(True, 0), (False, 0), (False, LONG_SUMS)])
@pytest.mark.parametrize("per_channel", [True, False])
def test_layers_near_ties_equal_litert(
    bias: bool, bias_type: int, per_channel: bool, dtype: str, profile: str, tmp_path: Path
) -> None:
    """LiteRT's built-in kernels round otherwise where there is no bias."""
    rng = np.random.default_rng(8)
    for _ in range(2):
        model = layer(rng, bias, per_channel, dtype, bias_type)
        assert wrong_elements(model, inputs_for(model, rng), profile, tmp_path) == 0


@pytest.mark.parametrize("profile", litert.PROFILES)
def test_matrices_equal_litert(profile: str, tmp_path: Path) -> None:
    for seed in range(20):
        rng = np.random.default_rng([seed, 16])
        model = batch_matmul(rng, "int16")
        assert wrong_elements(model, inputs_for(model, rng), profile, tmp_path, "c") == 0, seed


@pytest.mark.parametrize("path", ["c", "numba"])
@pytest.mark.parametrize("kind", list(WIDE))
def test_every_path_gives_the_same_bits(kind: str, path: str, tmp_path: Path) -> None:
    """Where a fast kernel takes 8 bits only, 16 go to the reference."""
    model, inputs = drawn(kind, 1)
    (tmp_path / "wide.tflite").write_bytes(model.content())
    graph = load_model(tmp_path / "wide.tflite")
    profile = "xnnpack" if kind == "SUM" else "tflite-reference"
    expected, found = (evaluate(graph, inputs, profile, each) for each in ("reference", path))
    for name in graph.outputs:
        np.testing.assert_array_equal(found[name], expected[name])


SCALES = {"LOGISTIC": (2.0**-12, 2.0**-11), "TANH": (2.0**-12, 2.0**-11, 2.0**-13)}
"""Scales that LiteRT's built-in kernels take for fixed-point numbers, and their neighbours."""


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_all_inputs_of_a_function_equal_litert(name: str, profile: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(name))
    for scale in (*SCALES.get(name, ()), None, None, None):
        model = function_model(name, rng, scale)
        assert wrong_elements(model, {"x": words(name)}, profile, tmp_path, "c") == 0, scale


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_all_inputs_of_a_function_over_many_scales(name: str, profile: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(name) + 100)
    for _ in range(60):
        model = function_model(name, rng)
        assert wrong_elements(model, {"x": words(name)}, profile, tmp_path) == 0


def refusal(model: TinyModel, folder: Path, profile: str = "tflite-reference") -> str:
    """What npusim says of a model that it refuses, when it reads or when it runs it."""
    (folder / "wide.tflite").write_bytes(model.content())
    with pytest.raises(NpusimError) as caught:
        graph = load_model(folder / "wide.tflite")
        inputs = [graph.tensors[name] for name in graph.inputs]
        zeros = {t.name: np.zeros(t.shape, t.format.dtype) for t in inputs}
        evaluate(graph, zeros, profile)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "profile", "expected"),
    [
        ("SUM", "tflite-reference", "no arithmetic for sum of int16"),
        ("PRELU", "xnnpack", "no arithmetic for prelu of int16"),
        ("HARD_SWISH", "xnnpack", "no arithmetic for hard_swish of int16"),
        ("L2_NORMALIZATION", "xnnpack", "no arithmetic for l2_normalization of int16"),
        ("ADD", "xnnpack", "int16 with a zero point that is not 0"),
    ],
)
def test_what_litert_computes_otherwise_is_refused(kind, profile, expected, tmp_path) -> None:
    model = KINDS[kind](np.random.default_rng(5), "int16")
    model.tensors[-1].zero_point = 0
    model.tensors[0].zero_point = 7 if kind == "ADD" else 0
    assert expected in refusal(model, tmp_path, profile)


def test_a_logistic_function_of_another_output_is_refused(tmp_path: Path) -> None:
    model = function_model("LOGISTIC", np.random.default_rng(1))
    model.tensors[1].scale = 0.01
    assert "gives the scale 1/32768, not 0.01" in refusal(model, tmp_path)


def test_exp_beyond_float32_is_refused(tmp_path: Path) -> None:
    model = function_model("EXP", np.random.default_rng(1), 0.01)
    assert "exp of the greatest input is beyond float32" in refusal(model, tmp_path)


def test_a_sum_of_fixed_point_numbers_is_refused(tmp_path: Path) -> None:
    """LiteRT adds powers of two with shifts, unless the file says that it must not."""
    model = KINDS["ADD"](np.random.default_rng(3), "int16")
    for tensor in model.tensors:
        tensor.scale = 2.0**-9
    assert "pot_scale_int16" in refusal(model, tmp_path)
    model.operators[0][4]["PotScaleInt16"] = False
    assert wrong_elements(
        model, inputs_for(model, np.random.default_rng(4)), "tflite-reference", tmp_path
    ) == 0  # fmt: skip


def test_int16_of_several_scales_is_not_joined(tmp_path: Path) -> None:
    model = TinyModel()
    model.inputs += [model.tensor(f"x{i}", (2, 3), "int16", 0.01 * (i + 1)) for i in range(2)]
    model.outputs.append(model.tensor("y", (2, 6), "int16", 0.01))
    model.operator("CONCATENATION", model.inputs, model.outputs, "ConcatenationOptions", Axis=1)
    assert "'x1' is int16 in another scale" in refusal(model, tmp_path)


def test_8_and_16_bits_in_one_operator_are_refused(tmp_path: Path) -> None:
    model = KINDS["RELU"](np.random.default_rng(1), "int16")
    model.tensors[1].dtype = "int8"
    assert "relu needs tensors of one width" in refusal(model, tmp_path)

"""TFLite's functions of one element against LiteRT 2.3.0: all 256 inputs, not one wrong element.

One model holds many instances of an operator, each with random scales and zero points, powers of
two among the scales and the ends of the range among the zero points.
"""

from __future__ import annotations

import itertools
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend import load_model
from npusim.numerics.functions import C_LIBRARY
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_models import TinyModel

BOTH, SIGNED = ("int8", "uint8"), ("int8",)
KINDS: dict[str, tuple[str, tuple[str, ...], str, dict[str, Any]]] = {
    "abs": ("ABS", SIGNED, "AbsOptions", {}),
    "elu": ("ELU", SIGNED, "", {}),
    "exp": ("EXP", SIGNED, "ExpOptions", {}),
    "gelu": ("GELU", BOTH, "GeluOptions", {"Approximate": False}),
    "gelu by tanh": ("GELU", BOTH, "GeluOptions", {"Approximate": True}),
    "hard swish": ("HARD_SWISH", BOTH, "HardSwishOptions", {}),
    "leaky relu": ("LEAKY_RELU", BOTH, "LeakyReluOptions", {"Alpha": 0.2}),
    "leaky relu of negative slope": ("LEAKY_RELU", BOTH, "LeakyReluOptions", {"Alpha": -0.7}),
    "leaky relu of tiny slope": ("LEAKY_RELU", BOTH, "LeakyReluOptions", {"Alpha": 0.003}),
    "log": ("LOG", SIGNED, "", {}),
    "logistic": ("LOGISTIC", BOTH, "", {}),
    "neg": ("NEG", SIGNED, "NegOptions", {}),
    "prelu": ("PRELU", BOTH, "", {}),
    "relu of 0 to 1": ("RELU_0_TO_1", BOTH, "", {}),
    "rsqrt": ("RSQRT", SIGNED, "", {}),
    "sqrt": ("SQRT", SIGNED, "", {}),
    "tanh": ("TANH", BOTH, "", {}),
}
CASES = [(name, dtype) for name, (_, dtypes, _, _) in KINDS.items() for dtype in dtypes]
ONLY_DELEGATED = {"elu"}
"""Operators that the resolver of the reference kernels does not know in int8."""
INSTANCES, MANY, TIES = 24, 300, 60


def grid(dtype: str) -> np.ndarray:
    return np.arange(256).astype(np.uint8).view(dtype)


def _scale(random: np.random.Generator) -> float:
    if random.random() < 0.3:
        return float(2.0 ** random.integers(-8, 0))
    return float(np.float32(np.exp(random.uniform(-7, 0))))


def _parameters(name: str, dtype: str, random: np.random.Generator) -> tuple[Any, ...]:
    """Scales and zero points of x and y that LiteRT takes for this operator."""
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    zeros = [int(random.choice([low, high, random.integers(low, high + 1)])) for _ in range(2)]
    x_scale, y_scale = _scale(random), _scale(random)
    if name == "logistic":
        y_scale, zeros[1] = 1 / 256, low
    if name == "neg":
        y_scale, zeros = x_scale, [0, 0]
    if name in ("rsqrt", "sqrt", "log"):
        zeros[0] = low
    if name == "hard swish":
        y_scale = x_scale * float(np.float32(random.uniform(0.02, 4)))
    return x_scale, zeros[0], y_scale, zeros[1]


def many(name: str, dtype: str, instances: int) -> bytes:
    """`instances` operators of scales of their own, each with an input of all 256 values."""
    kind, _, table, options = KINDS[name]
    random = np.random.default_rng(len(name))
    m = TinyModel()
    for i in range(instances):
        x_scale, x_zero, y_scale, y_zero = _parameters(name, dtype, random)
        x = m.tensor(f"x{i}", (1, 4, 8, 8), dtype, x_scale, x_zero)
        y = m.tensor(f"y{i}", (1, 4, 8, 8), dtype, y_scale, y_zero)
        ins = [x]
        if name == "prelu":
            slopes = random.integers(0, 256, (1, 1, 8)).astype(np.uint8).view(dtype)
            ins.append(m.constant(f"a{i}", slopes, _scale(random), int(slopes[0, 0, 0])))
        m.inputs.append(x)
        m.outputs.append(y)
        m.operator(kind, ins, [y], table, version=1, **options)
    return m.content()


def wrong_elements(content: bytes, profile: str, folder: Path) -> int:
    """Elements in which a model whose inputs have 256 elements differs from LiteRT."""
    file = folder / "many.tflite"
    file.write_bytes(content)
    graph = load_model(file)
    inputs = {}
    for each in graph.inputs:
        tensor = graph.tensors[each]
        inputs[each] = grid(tensor.format.dtype).reshape(tensor.shape)
    made = litert.interpreter(content, profile)
    litert.run(made, inputs)
    values = evaluate(graph, inputs, profile)
    return sum(int((values[out] != array).sum()) for out, array in litert.outputs(made).items())


DECIMAL = (0.05, 0.03, 0.1, 0.02, 0.007, 0.2, 1 / 255, 0.3, 0.15, 0.7, 0.9, 0.35)


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", ["RELU", "RELU6", "LEAKY_RELU", "ABS"])
def test_ratios_of_decimal_scales_equal_litert(kind: str, profile: str, tmp_path: Path) -> None:
    """They make ties, which show in which precision a ratio of scales was taken."""
    m = TinyModel()
    table, options = {"LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.2})}.get(kind, ("", {}))
    for i, (a, b) in enumerate(itertools.permutations(DECIMAL, 2)):
        m.inputs.append(m.tensor(f"x{i}", (256,), "int8", a, -128))
        m.outputs.append(m.tensor(f"y{i}", (256,), "int8", b, -128))
        m.operator(kind, m.inputs[-1:], m.outputs[-1:], table, version=2, **options)
    assert wrong_elements(m.content(), profile, tmp_path) == 0


def _skip_unknown(name: str, profile: str) -> None:
    if name in ONLY_DELEGATED and profile == "tflite-reference":
        pytest.skip("LiteRT's reference kernels don't have it")


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_all_inputs_equal_litert(name: str, dtype: str, profile: str, tmp_path: Path) -> None:
    _skip_unknown(name, profile)
    assert wrong_elements(many(name, dtype, INSTANCES), profile, tmp_path) == 0


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_all_inputs_equal_litert_over_many_scales(
    name: str, dtype: str, profile: str, tmp_path: Path
) -> None:
    _skip_unknown(name, profile)
    assert wrong_elements(many(name, dtype, MANY), profile, tmp_path) == 0


@pytest.mark.parametrize(
    ("kind", "scales", "zeros", "what"),
    [
        ("HARD_SWISH", (0.5, 0.001), (0, 0), "output scale of 1/128 to 512 times"),
        ("HARD_SWISH", (0.001, 0.9), (0, 0), "output scale of 1/128 to 512 times"),
        ("NEG", (0.5, 0.5), (1, 1), "equal scales and zero points of 0"),
        ("NEG", (0.5, 0.25), (0, 0), "equal scales and zero points of 0"),
    ],
)
def test_scales_without_a_meaning_are_refused(
    kind: str, scales: tuple[float, float], zeros: tuple[int, int], what: str, tmp_path: Path
) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (256,), "int8", scales[0], zeros[0]))
    m.outputs.append(m.tensor("y", (256,), "int8", scales[1], zeros[1]))
    m.operator(kind, m.inputs, m.outputs)
    (tmp_path / "one.tflite").write_bytes(m.content())
    graph = load_model(tmp_path / "one.tflite")
    with pytest.raises(UnsupportedModelError, match=what):
        evaluate(graph, {"x": grid("int8")}, "tflite-reference")


ON_TIES = ("elu", "exp", "gelu", "gelu by tanh", "log", "logistic", "tanh")


def on_ties(name: str, dtype: str, instances: int) -> bytes:
    """Operators whose output scale puts the result of one input on a tie, or a step beside it."""
    kind, _, table, options = KINDS[name]
    function = C_LIBRARY[kind.lower()]
    attributes = {"GELU": (options.get("Approximate"),), "ELU": (1.0,)}.get(kind, ())
    random = np.random.default_rng(7)
    m = TinyModel()
    while len(m.inputs) < instances:
        x_scale, x_zero, y_scale, y_zero = _parameters(name, dtype, random)
        chosen = int(random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1))
        half = float(random.integers(-120, 120)) + 0.5
        if name == "logistic":
            share = abs(half) / 256
            x_scale = float(np.float32(np.log(share / (1 - share)) / ((chosen - x_zero) or 1)))
        else:
            real = np.float32([chosen - x_zero]) * np.float32(x_scale)
            y_scale = float(np.nextafter(function(real, *attributes)[0] / np.float32(half),
                                         np.float32(random.integers(0, 2) * 9)))  # fmt: skip
        if not (1e-4 < x_scale < 2 and 1e-4 < y_scale < 5):
            continue
        i = len(m.inputs)
        m.inputs.append(m.tensor(f"x{i}", (256,), dtype, x_scale, x_zero))
        m.outputs.append(m.tensor(f"y{i}", (256,), dtype, y_scale, y_zero))
        m.operator(kind, m.inputs[-1:], m.outputs[-1:], table, version=1, **options)
    return m.content()


def _has_old_glibc() -> bool:
    name, version = platform.libc_ver()
    return name == "glibc" and tuple(int(part) for part in version.split(".")) < (2, 41)


@pytest.mark.skipif(not _has_old_glibc(), reason="npusim has the functions of glibc before 2.41")
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("name", ON_TIES)
def test_results_on_ties_equal_litert(name: str, profile: str, tmp_path: Path) -> None:
    _skip_unknown(name, profile)
    assert wrong_elements(on_ties(name, "int8", TIES), profile, tmp_path) == 0


REAL = {
    "ABS": ("AbsOptions", {}, ("tflite-reference", "xnnpack")),
    "CEIL": ("", {}, ("xnnpack",)),
    "ELU": ("", {}, ("xnnpack",)),
    "EXP": ("ExpOptions", {}, ("tflite-reference", "xnnpack")),
    "FLOOR": ("", {}, ("tflite-reference", "xnnpack")),
    "GELU": ("GeluOptions", {"Approximate": False}, ("tflite-reference", "xnnpack")),
    "HARD_SWISH": ("HardSwishOptions", {}, ("tflite-reference", "xnnpack")),
    "LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.2}, ("tflite-reference", "xnnpack")),
    "LOG": ("", {}, ("tflite-reference", "xnnpack")),
    "LOGISTIC": ("", {}, ("tflite-reference", "xnnpack")),
    "NEG": ("NegOptions", {}, ("tflite-reference", "xnnpack")),
    "RELU6": ("", {}, ("tflite-reference", "xnnpack")),
    "ROUND": ("", {}, ("xnnpack",)),
    "RSQRT": ("", {}, ("tflite-reference", "xnnpack")),
    "SQRT": ("", {}, ("tflite-reference", "xnnpack")),
    "SQUARE": ("SquareOptions", {}, ("tflite-reference", "xnnpack")),
    "TANH": ("", {}, ("tflite-reference", "xnnpack")),
}
"""Functions of float32: options, and the kernels of LiteRT that have them."""
STEPS = 8
"""Allowed distance on float32 in units of 2^-24 of max(1, |x|, |y|): both sides approximate."""


@pytest.mark.parametrize(
    ("kind", "profile"), [(k, p) for k, (_, _, ps) in REAL.items() for p in ps]
)
def test_functions_of_float32_are_near_litert(kind: str, profile: str, tmp_path: Path) -> None:
    table, options, _ = REAL[kind]
    x = np.random.default_rng(0).normal(0, 2, 4000).astype(np.float32)
    x = np.concatenate([x, np.float32([0.5, 1.5, 2.5, -0.5, -2.5, -0.0])])
    if kind in ("LOG", "RSQRT", "SQRT"):
        x = np.abs(x) + np.float32(0.01)
    m = TinyModel()
    m.inputs.append(m.tensor("x", x.shape, "float32"))
    m.outputs.append(m.tensor("y", x.shape, "float32"))
    m.operator(kind, m.inputs, m.outputs, table, version=1, **options)
    (tmp_path / "one.tflite").write_bytes(m.content())
    made = litert.interpreter(m.content(), profile)
    litert.run(made, {"x": x})
    expected = litert.outputs(made)["y"]
    found = evaluate(load_model(tmp_path / "one.tflite"), {"x": x}, profile)["y"]
    allowed = STEPS * 2.0**-24 * np.maximum(1, np.maximum(np.abs(x), np.abs(expected)))
    assert np.all(np.abs(found - expected) <= allowed)


def test_a_slope_that_is_no_number_is_damage(tmp_path: Path) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (4,), "int8", 0.1, 0))
    m.outputs.append(m.tensor("y", (4,), "int8", 0.1, 0))
    m.operator("LEAKY_RELU", m.inputs, m.outputs, "LeakyReluOptions", Alpha=float("nan"))
    (tmp_path / "one.tflite").write_bytes(m.content())
    with pytest.raises(ModelFileError, match="alpha is nan"):
        load_model(tmp_path / "one.tflite")


@pytest.mark.parametrize("target", ["int32", "float32", "uint8"])
def test_casts_keep_stored_values(target: str, tmp_path: Path) -> None:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (256,), "int8", 0.1, 3))
    m.outputs.append(m.tensor("y", (256,), target))
    m.operator("CAST", m.inputs, m.outputs, "CastOptions", version=1)
    (tmp_path / "one.tflite").write_bytes(m.content())
    made = litert.interpreter(m.content(), "tflite-reference")
    litert.run(made, {"x": grid("int8")})
    found = evaluate(load_model(tmp_path / "one.tflite"), {"x": grid("int8")}, "xnnpack")["y"]
    np.testing.assert_array_equal(found, litert.outputs(made)["y"])

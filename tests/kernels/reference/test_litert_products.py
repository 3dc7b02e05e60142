"""Products of int16 activations and of int4 weights against LiteRT 2.3.0: not one wrong element."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npusim.errors import UnsupportedModelError
from npusim.frontend import load_model
from npusim.kernels.table import kernels
from npusim.numerics.profiles import PROFILES
from tests.kernels.reference.test_litert_wide import wrong_elements
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_cases import inputs_for
from tests.support.tflite_models import TinyModel
from tests.support.tflite_wide import PRODUCTS8X4, PRODUCTS16X4, PRODUCTS16X8

FAST, SLOW = range(6), range(6, 150)
PRODUCTS = {
    f"{pair} {kind}": build
    for pair, table in (
        ("int16*int8", PRODUCTS16X8), ("int8*int4", PRODUCTS8X4), ("int16*int4", PRODUCTS16X4),
    )
    for kind, build in table.items()
}  # fmt: skip


def drawn(kind: str, seed: int) -> tuple[TinyModel, dict[str, np.ndarray]]:
    rng = np.random.default_rng([seed, 16])
    model = PRODUCTS[kind](rng, "int16")
    return model, inputs_for(model, rng)


def wrong_on(kind: str, profile: str, seeds: range, folder: Path) -> dict[int, int]:
    paths = ("reference", kernels().path)
    wrong = {
        seed: wrong_elements(*drawn(kind, seed), profile, folder, paths[seed % 2]) for seed in seeds
    }
    return {seed: count for seed, count in wrong.items() if count}


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", list(PRODUCTS))
def test_a_product_equals_litert(kind: str, profile: str, tmp_path: Path) -> None:
    assert wrong_on(kind, profile, FAST, tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("kind", list(PRODUCTS))
def test_a_product_equals_litert_on_many_draws(kind: str, profile: str, tmp_path: Path) -> None:
    assert wrong_on(kind, profile, SLOW, tmp_path) == {}


@pytest.mark.parametrize("path", ["numba", kernels().path])
@pytest.mark.parametrize("kind", list(PRODUCTS))
def test_each_path_has_the_bits_of_the_reference(kind: str, path: str, tmp_path: Path) -> None:
    for seed in FAST:
        model, inputs = drawn(kind, seed)
        file = tmp_path / "product.tflite"
        file.write_bytes(model.content())
        graph = load_model(file)
        for profile in PROFILES:
            if profile == "onnx" and kind == "int16*int8 TRANSPOSE_CONV":
                continue  # ONNX's is in float32, between a dequantization and a quantization
            expected = evaluate(graph, inputs, profile)
            found = evaluate(graph, inputs, profile, path)
            for name in graph.outputs:
                np.testing.assert_array_equal(found[name], expected[name])


def _fully_connected(bias: str, x_scale: float = 0.01) -> TinyModel:
    m = TinyModel()
    m.inputs.append(m.tensor("x", (3, 8), "int16", x_scale))
    w = m.constant("w", np.ones((2, 8), np.int8), 0.01)
    b = m.constant("b", np.zeros(2, bias), x_scale * 0.01)
    m.outputs.append(m.tensor("y", (3, 2), "int16", 0.01))
    m.operator("FULLY_CONNECTED", [m.inputs[0], w, b], m.outputs, "FullyConnectedOptions", 7,
               FusedActivationFunction=0)  # fmt: skip
    return m


def test_a_bias_that_litert_reads_beyond_its_end_is_refused(tmp_path: Path) -> None:
    for bias in ("int64", "int32"):
        file = tmp_path / f"{bias}.tflite"
        file.write_bytes(_fully_connected(bias).content())
        inputs = {"x": np.ones((3, 8), np.int16)}
        if bias == "int64":
            evaluate(load_model(file), inputs, "tflite-reference")
        else:
            with pytest.raises(UnsupportedModelError, match="int64 bias"):
                evaluate(load_model(file), inputs, "tflite-reference")

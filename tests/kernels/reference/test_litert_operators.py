"""Each operator alone against LiteRT 2.3.0: not one wrong element, on odd shapes and on ties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npusim.frontend import load_model
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.tflite_cases import KINDS, inputs_for

FAST, SLOW = range(4), range(4, 120)


def wrong_elements(
    kind: str, dtype: str, profile: str, seed: int, folder: Path, path: str = "reference"
) -> int:
    """Elements in which one drawn model differs from LiteRT."""
    rng = np.random.default_rng([seed, 7])
    model = KINDS[kind](rng, dtype)
    inputs = inputs_for(model, rng)
    content = model.content()
    made = litert.interpreter(content, profile)
    litert.run(made, inputs)
    file = folder / f"{kind}.tflite"
    file.write_bytes(content)
    values = evaluate(load_model(file), inputs, profile, path)
    return sum(int((values[name] != array).sum()) for name, array in litert.outputs(made).items())


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_an_operator_equals_litert(kind, dtype, profile, tmp_path):
    wrong = {seed: wrong_elements(kind, dtype, profile, seed, tmp_path) for seed in FAST}
    assert not any(wrong.values()), wrong


@pytest.mark.slow
@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_an_operator_equals_litert_on_many_draws(kind, dtype, profile, tmp_path):
    wrong = {seed: wrong_elements(kind, dtype, profile, seed, tmp_path) for seed in SLOW}
    assert not any(wrong.values()), {seed: n for seed, n in wrong.items() if n}

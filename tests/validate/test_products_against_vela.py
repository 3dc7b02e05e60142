"""Fully connected layers of many rows, each a network of its own, against Arm's compiler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npusim.api import load_hardware, load_model, simulate
from tests.benchmarks.against_vela import SETTINGS, has_vela, run_vela, total_of
from tests.support.tflite_models import TinyModel

MOST_PERCENT = 15.0
"""More than for networks: a single layer has no neighbours that even out what is estimated."""


def fully_connected(rows: int, depth: int, units: int) -> TinyModel:
    """One int8 layer with weights of a fixed seed."""
    rng = np.random.default_rng(1)
    model = TinyModel()
    weights = np.clip(rng.normal(0, 30, (units, depth)), -127, 127).astype(np.int8)
    x = model.tensor("x", (rows, depth), "int8", 0.05)
    w = model.constant("w", weights, 0.01)
    b = model.constant("b", rng.integers(-1000, 1000, units).astype(np.int32), 0.0005)
    y = model.tensor("y", (rows, units), "int8", 0.5)
    model.operator("FULLY_CONNECTED", [x, w, b], [y], "FullyConnectedOptions")
    model.inputs, model.outputs = [x], [y]
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [(7, 512, 512), (100, 256, 512), (128, 768, 3072), (197, 192, 576)], ids=str
)
def test_products_of_many_rows(shape: tuple[int, int, int], tmp_path: Path) -> None:
    """Rows lie as a rectangle: weights come once for each block, not for each row."""
    if not has_vela():
        pytest.skip("ethos-u-vela is not installed: pip install 'npusim[bench]'")
    path = tmp_path / "layer.tflite"
    path.write_bytes(fully_connected(*shape).content())
    model, errors = load_model(path), {}
    for setting in SETTINGS:
        vela = total_of(run_vela(path, setting, tmp_path))
        cycles = simulate(model, load_hardware(setting.preset)).total.cycles
        errors[setting.preset] = round(100 * (cycles / vela - 1), 1)
    assert {name: error for name, error in errors.items() if abs(error) > MOST_PERCENT} == {}

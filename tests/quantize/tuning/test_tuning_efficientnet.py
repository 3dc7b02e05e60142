"""Precisions of EfficientNet-lite0 with its trained weights, on two NPUs (extra `torch`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from npusim.quantize.tuning import Wish, tune_precision
from tests.support.efficientnet import crops, require_efficientnet, write_efficientnet


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_efficientnet()
    path = tmp_path_factory.mktemp("efficientnet") / "lite0.onnx"
    write_efficientnet(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("hardware", ["edge-npu-1", "ethos-u65-512"])
def test_a_mix_agrees_as_often_as_int8_for_less_energy(model: Path, hardware: str) -> None:
    calibration, test = ({"image": crops(count, seed)} for count, seed in ((2, 0), (1, 1)))
    names = ("w8a8", "w4a8", "fp8-e4m3")
    found = tune_precision(model, hardware, calibration, names, Wish(points=10, probes=2), test)
    print(found)
    int8, narrow = (found.everywhere(name).measured for name in ("w8a8", "w4a8"))
    assert narrow.energy_j < int8.energy_j
    assert narrow.weight_bytes < 0.7 * int8.weight_bytes
    mixed = [x.measured for x in found.points if 0 < x.assignment.count(0) < len(x.assignment)]
    as_good = [x.energy_j for x in mixed if x.agreement >= int8.agreement]
    assert min(as_good) < 0.99 * int8.energy_j
    has_fp8 = found.everywhere("fp8-e4m3") is not None
    assert has_fp8 == (hardware == "edge-npu-1")
    assert len(found.lacking) == (0 if has_fp8 else 1)

"""EfficientNet-lite0 with trained weights: what a scale per tensor loses, and what brings it back.

There are no labels: float32 is the reference. The figures are SQNR of the logits in dB over 24
crops that were not calibrated on; 24 others were. A dozen photos say nothing of accuracy: the
agreement is that of the largest logit with float32's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from npusim import api
from npusim.quantize import QuantizationReport, prepared, quantize
from tests.support.efficientnet import crops, require_efficientnet, write_efficientnet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> api.Model:
    require_efficientnet()
    path = Path(tmp_path_factory.mktemp("efficientnet")) / "lite0.onnx"
    write_efficientnet(path)
    return api.Model(prepared(path))


def judged(model: api.Model, scheme: str, **options: bool) -> QuantizationReport:
    calibration, test = ({"image": crops(2, seed)} for seed in (0, 1))
    return quantize(model, calibration, scheme, judged_on=test, **options).report


def test_a_scale_per_tensor_needs_equalization_and_bias_correction(model: api.Model) -> None:
    plain = judged(model, "w8a8-per-tensor")
    repaired = judged(model, "w8a8-per-tensor", equalize=True, correct_bias=True)
    print(f"per tensor: {plain.sqnr_db:.1f} dB, {plain.agreement:.0%} agree; "
          f"repaired: {repaired.sqnr_db:.1f} dB, {repaired.agreement:.0%}")  # fmt: skip
    assert plain.sqnr_db is not None and repaired.sqnr_db is not None
    assert repaired.sqnr_db > plain.sqnr_db + 6
    assert plain.agreement is not None and repaired.agreement is not None
    assert repaired.agreement > plain.agreement


def test_a_scale_per_channel_is_good_and_exact_in_onnx_runtime(model: api.Model) -> None:
    plain, corrected = judged(model, "w8a8"), judged(model, "w8a8", correct_bias=True)
    print(f"per channel: {plain.sqnr_db:.1f} dB; corrected: {corrected.sqnr_db:.1f} dB")
    assert plain.sqnr_db is not None and corrected.sqnr_db is not None
    assert corrected.sqnr_db > plain.sqnr_db + 2
    assert corrected.agreement is not None and corrected.agreement >= 0.9
    assert corrected.runtime is not None and corrected.runtime.wrong == 0
    assert corrected.float_in_runtime == ()


@pytest.mark.parametrize("scheme", ["w4a8", "fp8-e4m3"])
def test_other_formats_run_in_onnx_runtime(model: api.Model, scheme: str) -> None:
    calibration = {"image": crops(1, 0)}
    report = quantize(model, calibration, scheme, judged_on={"image": crops(1, 1)[::3]}).report
    print(f"{scheme}: {report.sqnr_db:.1f} dB, {report.agreement:.0%} agree")
    assert report.runtime is not None and report.runtime.samples == 4
    assert len(report.float_in_runtime) >= 50
    assert report.weight_bytes < 0.3 * report.float_weight_bytes

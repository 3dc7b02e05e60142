"""NVDLA: cycles measured on its RTL, for mechanisms that the description states."""

from __future__ import annotations

import pytest

from npusim.report.confidence import PRESET_ERRORS
from tests.benchmarks.against_rtl_nvdla import compare_nvdla
from tests.support.rtl_rows import mean_error, median_error, worst_error
from tests.support.shared import shared_path


@pytest.mark.slow
def test_total_cycles_agree_with_the_rtl():
    rows = compare_nvdla(shared_path("data", "measurements", "rtl_cycles.csv"))
    assert len(rows) > 100
    assert mean_error(rows) <= 0.05
    assert median_error(rows) <= 0.02
    assert worst_error(rows) <= 0.25
    stated = PRESET_ERRORS["nvdla-nv-small"]
    assert stated["rows"] == len(rows)
    assert stated["error_percent"] == pytest.approx(100 * mean_error(rows), abs=0.01)

"""Numbers of a point over several models: means by weight, and ratios of sums."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.report.totals import Totals
from npusim.sweep.metrics import METRICS, metric_names, metrics

REALS = st.floats(1e-6, 1e6)
COUNTS = st.integers(1, 10**12)
FIGURES = st.builds(
    Totals, cycles=COUNTS, latency_s=REALS, first_inference_s=REALS, energy_j=REALS,
    average_power_w=REALS, tops_effective=REALS, tops_per_watt=REALS, area_mm2=REALS,
    dram_read_bytes=COUNTS, dram_write_bytes=COUNTS, sram_read_bytes=COUNTS,
    sram_write_bytes=COUNTS, sram_peak_bytes=COUNTS, utilization=st.floats(0, 1),
)  # fmt: skip


@given(FIGURES, REALS)
def test_one_model_keeps_every_bit_whatever_its_weight(one: Totals, weight: float) -> None:
    found = dict(zip(METRICS, metrics([one], [weight]), strict=True))
    for name, value in asdict(one).items():
        assert found[name] == value
        assert type(found[name]) is type(value)
    assert found["dram_bytes"] == one.dram_read_bytes + one.dram_write_bytes
    assert found["edp_js"] == one.energy_j * one.latency_s


@given(FIGURES, FIGURES, REALS, REALS)
def test_means_lie_between_and_depend_on_the_ratio_of_weights(
    one: Totals, other: Totals, first: float, second: float
) -> None:
    names = metric_names(["a", "b"])
    found = dict(zip(names, metrics([one, other], [first, second]), strict=True))
    for name in ("latency_s", "energy_j", "tops_per_watt", "tops_effective", "cycles"):
        ends = sorted((getattr(one, name), getattr(other, name)))
        assert ends[0] * (1 - 1e-12) <= found[name] <= ends[1] * (1 + 1e-12)
    twice = dict(zip(names, metrics([one, other], [2 * first, 2 * second]), strict=True))
    assert twice == pytest.approx(found)
    assert found["latency_s of b"] == other.latency_s
    assert found["energy_j of a"] == one.energy_j
    assert found["sram_peak_bytes"] == max(one.sram_peak_bytes, other.sram_peak_bytes)

"""Numbers of a point over several models: means by weight, and ratios of sums."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.report.totals import Totals
from npusim.sweep.metrics import METRICS, metric_names, metrics

REALS = st.floats(1e-6, 1e6)
RATES = (10.0, 40.0)
COUNTS = st.integers(1, 10**12)
FIGURES = st.builds(
    Totals, cycles=COUNTS, latency_s=REALS, first_inference_s=REALS, energy_j=REALS,
    average_power_w=REALS, tops_effective=REALS, tops_per_watt=REALS, area_mm2=REALS,
    dram_read_bytes=COUNTS, dram_write_bytes=COUNTS, sram_read_bytes=COUNTS,
    sram_write_bytes=COUNTS, sram_peak_bytes=COUNTS, utilization=st.floats(0, 1),
)  # fmt: skip
_ONE = Totals(1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1, 1, 1, 1, 1.0)


@given(FIGURES, REALS)
def test_one_model_keeps_every_bit_whatever_its_weight(one: Totals, weight: float) -> None:
    found = dict(zip(METRICS, metrics([one], [weight], [3.0], [0.5]), strict=False))
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
    found = dict(zip(names, metrics([one, other], [first, second], RATES), strict=True))
    for name in ("latency_s", "energy_j", "tops_per_watt", "tops_effective", "cycles"):
        ends = sorted((getattr(one, name), getattr(other, name)))
        assert ends[0] * (1 - 1e-12) <= found[name] <= ends[1] * (1 + 1e-12)
    twice = dict(zip(names, metrics([one, other], [2 * first, 2 * second], RATES), strict=True))
    assert twice == pytest.approx(found)
    assert found["latency_s of b"] == other.latency_s
    assert found["energy_j of a"] == one.energy_j
    assert 10 * (1 - 1e-12) <= found["throughput_ips"] <= 40 * (1 + 1e-12)
    assert found["sram_peak_bytes"] == max(one.sram_peak_bytes, other.sram_peak_bytes)


def test_throughput_of_a_mix_is_all_inferences_over_their_time() -> None:
    found = dict(zip(metric_names(["a", "b"]), metrics([_ONE, _ONE], [3, 1], RATES), strict=True))
    assert found["throughput_ips"] == pytest.approx(4 / (3 / 10 + 1 / 40))
    idle = dict(zip(METRICS, metrics([_ONE, _ONE], [3, 1], (10.0, 0.0)), strict=False))
    assert idle["throughput_ips"] == 0


def test_accuracy_is_a_mean_by_weight_and_of_each_model() -> None:
    names = metric_names(["a", "b"], with_accuracy=True)
    found = dict(zip(names, metrics([_ONE, _ONE], [3, 1], RATES, [0.5, 1.0]), strict=True))
    assert found["accuracy"] == 0.625
    assert (found["accuracy of a"], found["accuracy of b"]) == (0.5, 1.0)
    alone = dict(zip(metric_names(["a"], True), metrics([_ONE], [3], [1], [0.7]), strict=True))
    assert alone["accuracy"] == 0.7
    assert "accuracy" not in metric_names(["a", "b"])

"""What a report says of its preset: what was left out, what is free, whether it was validated."""

from __future__ import annotations

import pytest

from npusim import api
from npusim.hardware.loader import load_hardware
from npusim.models.bundled import bundled_calibration
from npusim.quantize import quantize
from npusim.report import confidence
from tests.support.counted import report_of


def not_modelled(preset: str, *overrides: str) -> tuple[str, ...]:
    return report_of(*overrides, preset=preset).confidence.not_modelled


def test_what_the_description_leaves_out_comes_first() -> None:
    assert not_modelled("eyeriss-v1")[0] == (
        "products and sums cut to 16 bits: results are those of 32-bit sums"
    )


def test_free_parameters_are_listed_with_their_ranges() -> None:
    remark = not_modelled("nvdla-nv-small")[-1]
    assert remark.startswith("4 free parameters, not published: dma.setup (0 cycles to 64 cycles),")
    assert "host.rate (0.1 GFLOP/s to 10 GFLOP/s)" in remark


def test_a_free_parameter_that_is_stated_is_not_listed() -> None:
    remark = not_modelled("nvdla-nv-small", "dma.setup=3 cycles")[-1]
    assert remark.startswith("3 free parameters, not published: dma.outstanding_weights (64 to")


def test_hardware_without_free_parameters_has_no_such_remark() -> None:
    stated = [
        "dma.channels=2", "dma.setup=3 cycles", "dma.outstanding=8", "host.rate=1 GFLOP/s",
        "overheads.per_layer=1 cycles", "overheads.per_inference=1 us",
    ]  # fmt: skip
    assert not any("free parameter" in text for text in not_modelled("edge-npu-1", *stated))
    one = not_modelled("edge-npu-1", *stated[1:])[-1]
    assert one == "1 free parameter, not published: dma.channels (1 to 4)"


def test_a_preset_is_unvalidated_until_an_error_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert report_of().confidence.preset == "unvalidated"
    errors = {"error_percent": 5.0, "rows": 2}
    monkeypatch.setattr(confidence, "PRESET_ERRORS", {"edge-npu-1": errors})
    assert report_of().confidence.preset == errors
    assert report_of(preset="ethos-u55-128").confidence.preset == "unvalidated"


def test_what_was_found_for_a_preset_says_nothing_of_a_changed_one() -> None:
    preset = load_hardware("nvdla-nv-small")
    assert confidence.preset_trust(preset) == confidence.PRESET_ERRORS["nvdla-nv-small"]
    changed = load_hardware("nvdla-nv-small", {"clock": "500 MHz"})
    assert confidence.preset_trust(changed) == "unvalidated"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([], "reordering of DRAM requests"),
        (["memory.dram.efficiency=0.7"], "beyond its stated efficiency"),
        (["memory.dram.bandwidth=1 GB/s"], "its bandwidth is stated as it is"),
        (["dma.arbitration=round_robin"], "writes have a bus of their own"),
    ],
)
def test_what_is_known_of_rows_depends_on_what_is_stated(overrides: list[str], words: str) -> None:
    listed = not_modelled("edge-npu-1", *overrides)
    assert any(words in text for text in listed)


def test_scales_of_blocks_are_left_out_by_their_size() -> None:
    made = quantize("digits-float", bundled_calibration(), "w4a8").graph
    grids = [one.quantization for one in made.constants() if one.quantization is not None]
    scales = sum(grid.scale.size for grid in grids if grid.block)
    listed = api.simulate(api.Model(made), "edge-npu-1").confidence.not_modelled
    assert f"{4 * scales:,} bytes of scales of blocks, beside their weights" in listed
    whole = api.simulate("digits", "edge-npu-1").confidence.not_modelled
    assert not any("scales of blocks" in one for one in whole)

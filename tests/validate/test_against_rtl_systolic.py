"""Systolic cores: every cycle that their RTL takes, for any rows and columns."""

from __future__ import annotations

import pytest

from tests.benchmarks.against_rtl_systolic import Gemm, array_cycles, compared
from tests.support.shared import shared_path


def test_every_row_of_a_systolic_core_is_exact():
    rows = compared(shared_path("data", "measurements", "rtl_cycles.csv"))
    assert rows
    assert [row for row in rows if abs(row.simulated - row.measured) > 1e-6] == []


@pytest.mark.parametrize(
    ("height", "width", "reduction", "tiles"), [(4, 8, 30, 3), (8, 4, 30, 3), (2, 16, 1, 1)]
)
def test_an_output_stationary_core_of_any_shape(height, width, reduction, tiles):
    """One element a cycle enters; the wavefront crosses to the far corner; two pipeline registers;
    then a column of sums a cycle leaves along the rows."""
    to_the_corner = (height - 1) + (width - 1)
    cycles = tiles * reduction + to_the_corner + 2 + width
    gemm = Gemm(height * tiles, reduction, width)
    assert array_cycles("axis-systolic-array", height, width, gemm) == pytest.approx(cycles)


@pytest.mark.parametrize("tiles", [2, 5])
def test_tiles_shorter_than_the_drain_wait_for_the_output_registers(tiles):
    """A register is held while the wavefront crosses (10 cycles) and the 8 columns leave."""
    cycles = (tiles - 1) * (10 + 8) + 6 + 10 + 2 + 8
    found = array_cycles("axis-systolic-array", 4, 8, Gemm(4 * tiles, 6, 8))
    assert found == pytest.approx(cycles)


@pytest.mark.parametrize(("height", "width"), [(4, 16), (16, 4)])
def test_a_weight_stationary_core_of_any_shape(height, width):
    """Weights pass all rows, even where 2 of 3 tiles of the reduction fill them; then a vector a
    cycle, and the way to the far corner; every tile anew."""
    gemm = Gemm(10, 2 * height + 1, width + 1)
    cycles = 3 * 2 * (height + 10 + (height - 1) + (width - 1))
    assert array_cycles("tiny-xpu", height, width, gemm) == pytest.approx(cycles)

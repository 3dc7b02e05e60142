"""Axelera's Metis: measured GEMM tiles, for reasons that the description states."""

from __future__ import annotations

import pytest

from npusim.report.confidence import PRESET_ERRORS
from tests.benchmarks.against_metis import gemm_tiles, tile_ms
from tests.support.shared import shared_path


def test_gemm_tiles_are_within_15_percent():
    rows = list(gemm_tiles(shared_path("data", "measurements", "silicon.csv")))
    assert rows
    assert [row for row in rows if abs(row.error_percent) > 15] == []
    stated = PRESET_ERRORS["axelera-metis"]
    mean = sum(abs(row.error_percent) for row in rows) / len(rows)
    assert (stated["rows"], stated["error_percent"]) == (len(rows), pytest.approx(mean, abs=0.1))


def test_one_vector_is_the_time_to_write_the_weights():
    """Each core writes 2048 x 512 weights at 32 a cycle of 800 MHz, then 2048 inputs follow; 16
    cycles take its 512 outputs out, 100 start the layer."""
    cycles = 2048 * 512 / 32 + 2048 / 32 + 512 / 32 + 100
    assert tile_ms(1, 2048, 2048) == pytest.approx(1e3 * cycles / 800e6, rel=1e-9)


def test_each_further_vector_costs_its_inputs_and_outputs_over_the_port():
    """More than the 8 cycles in each of four weight sets that the crossbar itself takes."""
    vectors = 64
    rise = (tile_ms(1 + vectors, 2048, 2048) - tile_ms(1, 2048, 2048)) / vectors
    assert rise == pytest.approx(1e3 * (2048 + 512) / 32 / 800e6, rel=0.01)

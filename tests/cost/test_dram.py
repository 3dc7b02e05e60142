"""Time of a transfer with rows: by hand for each memory, and as bounds on random ones."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.cost.dram import NO_ROWS, DramRows, row_cycles, rows_of
from npusim.cost.machine import machine_of
from npusim.hardware.memories import technology, technology_names
from tests.support.machines import machine_with

DRAMS = tuple(name for name in technology_names() if technology(name).rows is not None)


def rows_at(name: str, channels: int = 1, clock: str = "1 GHz") -> DramRows:
    """Rows of a technology for an NPU at `clock`."""
    table = technology(name)
    hardware = machine_with(
        clock=clock, memory__dram__technology=name, memory__dram__channels=channels,
        memory__dram__read_only=table.read_only,
    )  # fmt: skip
    return rows_of(hardware)


@pytest.mark.parametrize("name", DRAMS)
def test_a_stream_of_rows_takes_its_data_time(name):
    """Row after row over the banks: the next one opens while this one is read."""
    table = technology(name)
    assert table.rows is not None and table.peak_bytes_per_s is not None
    page = min(table.rows.page_bytes, 4096)
    data = 64 * page / table.peak_bytes_per_s * 1e9
    assert row_cycles(64 * page, 1, 0, table.burst_bytes, data, rows_at(name)) == 0.0


@pytest.mark.parametrize("name", DRAMS)
def test_single_bursts_in_as_many_rows_take_the_time_to_open_them(name):
    """Each takes its burst or the least time between rows, and one in `banks` a conflict."""
    table = technology(name)
    assert table.rows is not None and table.peak_bytes_per_s is not None
    assert table.burst_bytes is not None
    runs = 1000
    data = runs * table.burst_bytes / table.peak_bytes_per_s * 1e9
    pitch = 2 * table.rows.page_bytes
    added = row_cycles(
        runs * table.burst_bytes, runs, pitch, table.burst_bytes, data, rows_at(name)
    )
    opened = max(data, runs * table.rows.row_interval_s * 1e9)
    conflicts = (runs - 1) * table.rows.conflict_s * 1e9
    assert data + added == pytest.approx(opened + conflicts)


def test_lpddr4_by_hand():
    """2 KiB rows, 8 banks: 10 ns between rows, 36.25 ns of conflict in one jump of eight."""
    rows = rows_at("lpddr4-3200")
    assert rows == DramRows(2048, 1, pytest.approx(10.0), pytest.approx(36.25 / 8), 30, 2)
    # 100 runs of 32 B, 4 KiB apart: 500 ns of data, 1,000 ns to open rows, 99 jumps
    assert row_cycles(3200, 100, 4096, 32, 500.0, rows) == pytest.approx(500 + 99 * 36.25 / 8)
    # 256 B apart: 100 runs lie in 1 + (25,600 - 32) / 2,048 rows, all opened in time
    assert row_cycles(3200, 100, 256, 32, 500.0, rows) == 0.0
    # runs of 1 KiB, 4 KiB apart: 160 ns each, rows are opened meanwhile
    assert row_cycles(102400, 100, 4096, 32, 16000.0, rows) == pytest.approx(99 * 36.25 / 8)


def test_channels_open_rows_side_by_side():
    """A run of one burst keeps one of two channels; rows of both are twice as long."""
    one, two = rows_at("lpddr4-3200"), rows_at("lpddr4-3200", 2)
    assert (two.page_bytes, two.interval_cycles) == (2 * one.page_bytes, one.interval_cycles)
    alone = row_cycles(3200, 100, 8192, 32, 0.0, one)
    assert row_cycles(3200, 100, 8192, 32, 0.0, two) == pytest.approx(alone / 2)


def test_times_follow_the_clock_and_gaps_are_rounded_up():
    rows = rows_at("lpddr4-3200", clock="500 MHz")
    assert rows.interval_cycles == pytest.approx(5.0)
    assert (rows.turn_to_read, rows.turn_to_write) == (ceil(29.375 / 2), ceil(1.25 / 2))


@pytest.mark.parametrize(
    "stated", [{"memory__dram__bandwidth": "1 GB/s"}, {"memory__dram__efficiency": 0.7}]
)
def test_a_stated_bandwidth_or_efficiency_stands_for_rows(stated):
    assert rows_of(machine_with(**stated)) == NO_ROWS


def test_refresh_takes_its_share_of_the_bandwidth():
    hardware = machine_with(memory__dram__technology="ddr4-3200", dma__outstanding=10**6)
    stream = machine_of(hardware).dram_bytes_per_cycle * hardware.clock_hz
    assert stream == pytest.approx(25.6e9 * (1 - 560 / 12480))


@given(
    st.sampled_from(DRAMS), st.integers(1, 10**6), st.integers(1, 500), st.integers(1, 10**5),
    st.floats(1.0, 4.0),
)  # fmt: skip
def test_rows_never_save_time_and_more_bandwidth_never_costs_any(name, runs, run, pitch, factor):
    table = technology(name)
    assert table.burst_bytes is not None and table.peak_bytes_per_s is not None
    total = runs * run * table.burst_bytes
    rows = rows_at(name)
    data = total / table.peak_bytes_per_s * 1e9
    added = row_cycles(total, runs, pitch, table.burst_bytes, data, rows)
    faster = row_cycles(total, runs, pitch, table.burst_bytes, data / factor, rows)
    assert added >= 0
    assert data / factor + faster <= (data + added) * (1 + 1e-9)

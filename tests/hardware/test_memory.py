"""Memories that cannot be: each is refused with what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.descriptions import SOUND, changed, load, only_problem, problems


@pytest.mark.parametrize(
    ("dram", "words"),
    [
        (
            "ddr3-1600, burst: 16 KiB",
            "a burst of 16384 bytes is longer than a row of ddr3-1600 (8192 bytes): make it "
            "shorter, or state bandwidth or efficiency, which stand for rows",
        ),
        (
            "octal-flash-200",
            "octal-flash-200 cannot be written while the NPU runs: set read_only: true",
        ),
    ],
)
def test_a_second_memory_must_agree_with_its_technology(
    tmp_path: Path, dram: str, words: str
) -> None:
    assert only_problem(tmp_path, changed("ddr3-1600", dram))[1] == words


def test_a_stated_efficiency_allows_any_burst(tmp_path: Path) -> None:
    text = changed("ddr3-1600", "ddr3-1600, burst: 16 KiB, efficiency: 0.8")
    assert load(tmp_path, text).dram_burst_bytes == 16384


def test_blocks_in_an_order_need_a_size(tmp_path: Path) -> None:
    text = SOUND.replace("  dram:", "  layout: {order: hcw}\n  dram:")
    assert only_problem(tmp_path, text)[1] == (
        "hcw is an order of blocks of channels, and channel_block is 1: set channel_block, for "
        "example 16, or order: hwc"
    )


def test_a_port_wider_than_all_banks_is_refused(tmp_path: Path) -> None:
    text = changed("write: 8 B/cycle", "write: 8 B/cycle, bank_width: 1 B")
    found = problems(tmp_path, text)
    assert [problem.what for problem in found] == [
        f"8 B/cycle is more than 4 banks of 1 B give: lower {key}, or raise banks or bank_width"
        for key in ("read", "write")
    ]


def test_ports_are_one_of_two_kinds(tmp_path: Path) -> None:
    text = changed("write: 8 B/cycle", "write: 8 B/cycle, ports: 1rww")
    assert "1rw" in only_problem(tmp_path, text)[1]

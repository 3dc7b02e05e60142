"""What decides bits: equal for hardware that computes alike, different where a sum may differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import npusim
from npusim import api
from npusim.execution.bits import reductions_of, units_of
from npusim.execution.executor import Executor
from npusim.kernels.table import kernels
from npusim.schedule.program import Program


def _program(fields: Mapping[str, Any] | None = None, **sums: str) -> Program:
    overrides = {f"mac_array.accumulator.{name}": value for name, value in sums.items()}
    overrides |= fields or {}
    return api.schedule(MODEL, npusim.load_hardware("edge-npu-1", overrides))


MODEL = npusim.load_model("digits")
SATURATING = {"format": "int16", "on_overflow": "saturate"}


def _ordered(program: Program) -> frozenset[tuple[str, ...]]:
    profile = api.choose_profile(None, program.hardware, program.graph)
    return Executor(program, profile, kernels()).ordered


def test_sizes_and_memories_change_no_bits() -> None:
    first = _program()
    for fields in ({"mac_array.rows": 8}, {"clock": "2 GHz"}, {"memory.sram.size": "64 KiB"}):
        other = _program(fields)
        assert units_of(other) == units_of(first)
        assert reductions_of(other, _ordered(other)) == () == reductions_of(first, _ordered(first))


def test_widths_of_sums_and_saturation_are_told_apart() -> None:
    found = {
        units_of(_program(format=name, on_overflow=how))
        for name in ("int32", "int16")
        for how in ("wrap", "saturate")
    }
    assert len(found) == 4


def test_where_the_order_matters_tiles_do() -> None:
    program = _program(**SATURATING)
    ordered = _ordered(program)
    assert ordered and not _ordered(_program(format="int16"))
    rows = reductions_of(program, ordered)
    assert {outputs for outputs, _, _ in rows} == ordered
    assert all(first_row == 0 and channels > 0 for _, first_row, channels in rows)

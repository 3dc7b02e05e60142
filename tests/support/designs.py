"""A made-up table of designs, as a sweep would give it: figures by formulas, some infeasible."""

from __future__ import annotations

import itertools

import numpy as np

FIELDS = ("mac_array.rows", "mac_array.cols", "memory.sram.size", "clock")
UNITS = {"memory.sram.size": "B", "clock": "Hz"}
OBJECTIVES = ("latency_s", "energy_j", "area_mm2")
_SIZES = (16.0, 32.0, 64.0, 128.0)
_SRAM = (2.0**18, 2.0**19, 2.0**20, 2.0**21)


def designs() -> dict[str, np.ndarray]:
    """The columns of a grid of 128 points; 8 with little SRAM and many rows do not fit."""
    grid = np.array(list(itertools.product(_SIZES, _SIZES, _SRAM, (5e8, 1e9))))
    rows, cols, sram, clock = grid.T
    latency = 1e9 / (rows * cols * clock) * (1 + 5 * 2**18 / sram) + 2e-3
    energy = 1e-3 * (1 + rows * cols / 4096) * np.sqrt(clock / 5e8) + 1e-3 * 2**18 / sram
    area = 1e-3 * rows * cols + 1.1 * sram / 2**20
    bad = (sram < 2**19) & (rows > 64)
    found = [np.where(bad, np.nan, column) for column in (latency, energy, area)]
    status, reason = np.full(len(grid), "ok", object), np.full(len(grid), None, object)
    status[bad], reason[bad] = "does not fit", "conv1: no tile fits in 256 KiB of sram"
    return {
        "number": np.arange(len(grid)), "status": status, "reason": reason,
        **dict(zip(FIELDS, (rows, cols, sram, clock), strict=True)),
        **dict(zip(OBJECTIVES, found, strict=True)),
    }  # fmt: skip

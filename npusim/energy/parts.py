"""Joules by part from the table of what each step did: count x energy per action.

    E = MACs e_mac + SRAM bytes e_sram + DRAM bytes e_dram + vector ops e_vector
        + outputs e_requantize + scratchpads

Steps of one unit, number formats and operation have the same prices. So there is one row of prices
for each such kind of step, and the sums are over arrays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from npusim.energy import scratchpads
from npusim.energy.hardware_figures import Figures
from npusim.schedule.tables import ARRAY, VECTOR

if TYPE_CHECKING:
    from npusim.schedule.program import Program, Step

ACTIONS = ("mac", "scratchpad", "sram", "dram", "vector", "postprocess")
POWERS = ("clock", "static", "dram_background")
PARTS = (*ACTIONS, *POWERS)
"""Where energy goes: to actions, and to power that flows all the time. The accumulation of a
partial sum is within `mac`."""

PJ = 1e-12


class Prices(NamedTuple):
    """Energy of each action of a step, pJ."""

    mac: float
    scratchpad: float
    hop: float
    sram_read: float
    sram_write: float
    dram: float
    vector: float
    requantization: float


def action_joules(program: Program, done: np.ndarray, figures: Figures) -> np.ndarray:
    """Joules of every step for each of `ACTIONS`, float64 [actions, steps].

    `done` (`timing.records.COUNTS` [steps]) is what the steps did.
    """
    kinds = program.kinds
    issued = np.bincount(kinds.kind_of, done["macs"], len(kinds.models)).tolist()
    prices = [
        _prices(step, macs > 0, figures) for step, macs in zip(kinds.models, issued, strict=True)
    ]
    rows = np.array(prices, np.float64).reshape(len(prices), len(Prices._fields))
    price = Prices(*rows.T[:, kinds.kind_of])
    gated = np.zeros(done.size)
    if figures.hardware.mac_array.zero_gating:
        gated[:] = [gated_zeros(program, step) for step in program.steps]
    moved = done["dram_read"] + done["dram_write"]
    joules = (
        PJ * done["macs"] * (1.0 - gated) * price.mac,
        PJ * _scratchpad_pj(done, gated, price, figures),
        PJ * (done["sram_read"] * price.sram_read + done["sram_write"] * price.sram_write),
        PJ * moved * price.dram,
        PJ * done["vector_ops"] * price.vector,
        PJ * done["outputs"] * price.requantization,
    )
    return np.array(joules)


def power_joules(cycles: float, clock_hz: float, figures: Figures) -> dict[str, float]:
    """Joules of each of `POWERS` in `cycles` of the clock."""
    seconds = cycles / clock_hz
    watts = (figures.clock_w(), figures.static_w(), figures.background_w() or 0.0)
    return {part: watt * seconds for part, watt in zip(POWERS, watts, strict=True)}


def joules_by_part(actions: np.ndarray, cycles: float, figures: Figures) -> dict[str, float]:
    """Joules of each of `PARTS` for a whole Program: what `action_joules` gave, over `cycles`."""
    sums = (math.fsum(row) for row in actions.tolist())
    spent = power_joules(cycles, figures.hardware.clock_hz, figures)
    return dict(zip(ACTIONS, sums, strict=True)) | spent


def gated_zeros(program: Program, step: Step) -> float:
    """The share of a step's MACs that zeros in its input switch off; 0 where it is not known."""
    zeros = input_zeros(program, step)
    return zeros if zeros is not None and program.hardware.mac_array.zero_gating else 0.0


def input_zeros(program: Program, step: Step) -> float | None:
    """The share of zeros in the first input of a step; None where it is not known."""
    operands = step.nest.operands
    return program.graph.tensors[operands[0].tensor].zeros if operands else None


def _prices(step: Step, multiplies: bool, figures: Figures) -> Prices:
    """The prices of a step; those of actions that it cannot have are 0 and not asked for."""
    rows = multiplies and figures.hardware.mac_array.row_stationary is not None
    return Prices(
        mac=figures.mac(step.pair) if multiplies else 0.0,
        scratchpad=figures.scratchpad() if rows else 0.0,
        hop=figures.hop() if rows else 0.0,
        requantization=figures.requantization() if step.unit == ARRAY else 0.0,
        vector=figures.vector(step.nest.rate) if step.unit == VECTOR else 0.0,
        sram_read=figures.sram("read"),
        sram_write=figures.sram("write"),
        dram=figures.dram() or 0.0,
    )


def _scratchpad_pj(
    done: np.ndarray, gated: np.ndarray, price: Prices, figures: Figures
) -> np.ndarray:
    """Energy of the array's scratchpads and of words between its elements, pJ [steps]."""
    if figures.hardware.mac_array.row_stationary is None:
        return np.zeros(done.size)
    fills = done["filled"]
    accesses = scratchpads.accesses(done["macs"], gated, fills)
    return np.asarray(accesses * price.scratchpad + (done["hops"] + fills) * price.hop)

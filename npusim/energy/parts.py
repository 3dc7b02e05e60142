"""Joules by part from the table of what each step did: count x energy per action.

    E = MACs e_mac + SRAM bytes e_sram + DRAM bytes e_dram + vector ops e_vector
        + outputs e_requantize + scratchpads

Steps of one unit, number formats and operation have the same prices: they are of one kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from npusim.energy import scratchpads
from npusim.energy.hardware_figures import Figures
from npusim.schedule.kept import Kept
from npusim.schedule.tables import ARRAY, VECTOR

if TYPE_CHECKING:
    from npusim.schedule.program import Kinds, Program, Step

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


def action_joules(
    program: Program, done: np.ndarray, figures: Figures
) -> list[tuple[float, ...]]:  # fmt: skip
    """Joules of every step for each of `ACTIONS`.

    `done` (`timing.records.COUNTS` [steps]) is what the steps did.
    """
    multiplies = [work["macs"] > 0 for work in _named(done.dtype, program.kinds.sums(done))]
    prices = _prices_of_kinds(program.kinds, multiplies, figures)
    gated = (gated_zeros(program, step) for step in program.steps)
    rows = zip(
        program.kinds.kind_of.tolist(), _named(done.dtype, done.tolist()), gated, strict=True
    )
    return [_joules(work, share, prices[kind]) for kind, work, share in rows]


def joules_by_part(
    program: Program, done: np.ndarray, cycles: float, figures: Figures
) -> dict[str, float]:
    """Joules of each of `PARTS` for a whole Program that takes `cycles`; `done` as above.

    What steps of a kind did is added up before it is priced, where no zeros are gated.
    """
    if figures.hardware.mac_array.zero_gating:
        rows = action_joules(program, done, figures)
    else:
        works = _named(done.dtype, program.kinds.sums(done))
        multiplies = tuple(work["macs"] > 0 for work in works)
        prices = _kept_prices(program.kinds, multiplies, figures)
        rows = [_joules(work, 0.0, price) for work, price in zip(works, prices, strict=True)]
    joules = {part: math.fsum(row[at] for row in rows) for at, part in enumerate(ACTIONS)}
    return joules | power_joules(cycles, figures.hardware.clock_hz, figures)


def _named(
    dtype: np.dtype[Any], rows: Iterable[Sequence[int]]
) -> list[dict[str, int]]:  # fmt: skip
    """Rows of COUNTS by the names of its fields."""
    return [dict(zip(dtype.names or (), row, strict=True)) for row in rows]


def _joules(work: Mapping[str, int], gated: float, price: Prices) -> tuple[float, ...]:
    """Joules of `work` for each of `ACTIONS`; zeros switch off the share `gated` of its MACs."""
    fills = work["filled"]
    accesses = scratchpads.accesses(work["macs"], gated, fills)
    sram = (work["sram_read"] * price.sram_read, work["sram_write"] * price.sram_write)
    return (
        PJ * work["macs"] * (1.0 - gated) * price.mac,
        PJ * (accesses * price.scratchpad + (work["hops"] + fills) * price.hop),
        PJ * math.fsum(sram),
        PJ * (work["dram_read"] + work["dram_write"]) * price.dram,
        PJ * work["vector_ops"] * price.vector,
        PJ * work["outputs"] * price.requantization,
    )


def power_joules(cycles: float, clock_hz: float, figures: Figures) -> dict[str, float]:
    """Joules of each of `POWERS` in `cycles` of the clock."""
    seconds = cycles / clock_hz
    watts = (figures.clock_w(), figures.static_w(), figures.background_w() or 0.0)
    return {part: watt * seconds for part, watt in zip(POWERS, watts, strict=True)}


def gated_zeros(program: Program, step: Step) -> float:
    """The share of a step's MACs that zeros in its input switch off; 0 where it is not known."""
    zeros = input_zeros(program, step)
    return zeros if zeros is not None and program.hardware.mac_array.zero_gating else 0.0


def input_zeros(program: Program, step: Step) -> float | None:
    """The share of zeros in the first input of a step; None where it is not known."""
    operands = step.nest.operands
    return program.graph.tensors[operands[0].tensor].zeros if operands else None


_PRICES: Kept[list[Prices]] = Kept(256)


def _kept_prices(
    kinds: Kinds, multiplies: tuple[bool, ...], figures: Figures
) -> list[Prices]:  # fmt: skip
    """`_prices_of_kinds`, found once for all hardware that has the same."""
    key = kinds.keys, multiplies, *figures.read_by_prices()
    return _PRICES.get(key, lambda: _prices_of_kinds(kinds, multiplies, figures))


def _prices_of_kinds(
    kinds: Kinds, multiplies: Sequence[bool], figures: Figures
) -> list[Prices]:  # fmt: skip
    pairs = zip(kinds.models, multiplies, strict=True)
    return [_prices(step, own, figures) for step, own in pairs]


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

"""Published claims on precisions beside what one network on one hardware shows, and what decides.

A claim is a ratio between two precisions. Whether it holds depends on three things that the
hardware description states: the rates of the array, the energy of a MAC, and how much of the time
and the energy is something else (DRAM, static power, overheads), which shrinks less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from npusim.report.names import words

if TYPE_CHECKING:
    from npusim.quantize.precisions.study import Row

QUALCOMM = "said by Qualcomm, The future of model efficiency for edge AI, 2023"
TWICE_TO_FOUR_TIMES = (
    "Xavier's NVDLA: 5 TOPS int8, 2.5 TFLOP/s fp16; four times is said of Hexagon, whose ResNet-50 "
    "measures 2.35 (AI Hub, 8 Gen 3: 0.679 and 1.598 ms)"
)
VAN_BAALEN = (
    "said by van Baalen et al., FP8 versus INT8, arXiv 2303.17951: 50 to 180 % less efficient"
)

MOST_PARTS = 3
"""Parts of the energy, and causes of the latency, that an explanation names."""


@dataclass(frozen=True)
class Finding:
    """`claim` says that a ratio lies between `low` and `high`; `found` is what it is here.

    `verdict` is `holds`, `less` or `more`. `because` are sentences with the figures that decide.
    """

    claim: str
    source: str
    low: float
    high: float
    found: float
    verdict: str
    because: tuple[str, ...]


class _Claim(NamedTuple):
    text: str
    source: str
    low: float
    high: float
    better: str
    worse: str
    ratio: Callable[[Row, Row], float]
    because: Callable[[Row, Row], list[str]]


def findings(rows: Mapping[str, Row]) -> tuple[Finding, ...]:
    """What `rows`, by name of the precision, say of each claim whose two precisions they have.

    A network without weights, products or DRAM traffic says nothing.
    """
    found = []
    for claim in _CLAIMS:
        if claim.better in rows and claim.worse in rows:
            better, worse = rows[claim.better], rows[claim.worse]
            if not (_can_be_compared(better) and _can_be_compared(worse)):
                continue
            ratio = claim.ratio(better, worse)
            verdict = "less" if ratio < claim.low else "more" if ratio > claim.high else "holds"
            because = tuple(claim.because(better, worse))
            found.append(
                Finding(claim.text, claim.source, claim.low, claim.high, ratio, verdict, because)
            )
    return tuple(found)


def _can_be_compared(row: Row) -> bool:
    assert row.total is not None
    return min(row.dram_bytes, row.weight_bytes, row.total.energy_j_by_part["mac"]) > 0


def _energy_ratio(better: Row, worse: Row) -> float:
    return _joules(worse) / _joules(better)


def _joules(row: Row) -> float:
    assert row.total is not None
    return row.total.energy_j


def _seconds(row: Row) -> float:
    assert row.total is not None
    return row.total.latency_s


def _parts(better: Row, worse: Row) -> list[str]:
    """How much each large part of the energy shrinks, and what share of it is left."""
    assert better.total is not None
    assert worse.total is not None
    after, before = better.total.energy_j_by_part, worse.total.energy_j_by_part
    largest = sorted(after, key=lambda part: -after[part])[:MOST_PARTS]
    shares = [
        f"{words(part)} {before[part] / after[part]:.3g} ({after[part] / _joules(better):.0%})"
        for part in largest
        if after[part] > 0
    ]
    return [f"times less by part, and its share of {better.name}: {', '.join(shares)}"]


def _traffic(better: Row, worse: Row) -> list[str]:
    ratio = worse.weight_bytes / better.weight_bytes
    return [
        f"weights and biases take {ratio:.3g} times less",
        "memory.sram.size decides the rest: tensors that stay on chip in one format only",
    ]


def _speed(better: Row, worse: Row) -> list[str]:
    assert better.total is not None
    causes = better.total.cycles_by_cause
    whole = math.fsum(causes.values()) or 1.0
    largest = sorted(causes, key=lambda cause: -causes[cause])[:MOST_PARTS]
    shares = ", ".join(f"{words(cause)} {causes[cause] / whole:.0%}" for cause in largest)
    return [_rates(better, worse), f"cycles of {better.name}: {shares}"]


def _rates(better: Row, worse: Row) -> str:
    return (
        f"mac_array.precisions: {better.runs_as} {better.rate:g} and {worse.runs_as} "
        f"{worse.rate:g} MACs per unit and cycle, {better.rate / worse.rate:.3g} times"
    )


def _mac_energy(better: Row, worse: Row) -> list[str]:
    int8, fp8 = (row.total.energy_j_by_part["mac"] for row in (better, worse) if row.total)
    return [
        f"MACs alone: {fp8 / int8:.3g} times, by technology.node and by the format in which "
        f"{worse.runs_as} is computed",
        _rates(better, worse),
    ]


_CLAIMS: Sequence[_Claim] = (
    _Claim(
        "int8 has up to 16 times the performance per watt of fp32", QUALCOMM, 0.0, 16.0,
        "int8", "fp32", _energy_ratio, lambda a, b: [_rates(a, b), *_parts(a, b)],
    ),
    _Claim(
        "int8 moves about a quarter of the bytes of fp32", QUALCOMM, 3.6, 4.4, "int8", "fp32",
        lambda a, b: b.dram_bytes / a.dram_bytes, _traffic,
    ),
    _Claim(
        "int8 has two to four times the throughput of fp16", TWICE_TO_FOUR_TIMES, 2.0, 4.0,
        "int8", "fp16", lambda a, b: _seconds(b) / _seconds(a), _speed,
    ),
    _Claim(
        "fp8 takes 1.5 to 2.8 times the energy of int8", VAN_BAALEN, 1.5, 2.8, "int8", "fp8",
        _energy_ratio, _mac_energy,
    ),
)  # fmt: skip

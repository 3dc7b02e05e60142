"""Energy of one arithmetic operation: a table of published anchors and what is derived from it.

A MAC is a multiplication and the addition to its accumulator. The energy of an integer multiplier
grows with the product of its operands' widths (the table itself says so: 8 x 8 bits to 32 x 32
bits is a factor of 15.5 at 45 nm, where the product of widths gives 16), that of an adder with
its width. Registers, clock and operand routing are not in these figures.
"""

from __future__ import annotations

import re
from functools import lru_cache

from npusim.energy.figures import ANCHORS, Figure, at_node, weighted_sum

OPERATIONS_PJ: dict[str, tuple[float, float]] = {
    "int8_add": (0.03, 0.007),
    "int32_add": (0.1, 0.03),
    "int8_mult": (0.2, 0.07),
    "int32_mult": (3.1, 1.48),
    "fp16_add": (0.4, 0.16),
    "fp16_mult": (1.1, 0.34),
    "fp32_add": (0.9, 0.38),
    "fp32_mult": (3.7, 1.31),
}
"""pJ at 45 nm and at 7 nm; the sources are in `figures.ANCHORS`."""

BF16_7NM_PJ = {"add": 0.11, "mult": 0.21}
"""Jouppi et al., ISCA 2021, Table 2. 45 nm has no bf16 row: fp16's ratio of nodes is used."""

FP8_OF_INT8 = 2.15
"""Middle of 1.5 to 2.8: van Baalen et al. 2023 (arXiv 2303.17951) find FP8 formats 50 to 180 % less
efficient than INT8 in dedicated hardware."""

_INTEGER = re.compile(r"u?int(\d+)")


def operation(name: str, node_nm: float) -> Figure:
    """Energy of one operation of `OPERATIONS_PJ` at `node_nm`, pJ."""
    return at_node(name, OPERATIONS_PJ[name], "pJ", node_nm)


@lru_cache(maxsize=256)
def mac(
    activation: str, weight: str, accumulator: str, node_nm: float, compute: str | None = None
) -> Figure:
    """Energy of one MAC, pJ: formats of both factors and of the accumulator.

    `compute` is the format that both are converted to at the array's edge, if they are.
    """
    name = f"mac {activation}*{weight}"
    if compute:
        activation = weight = compute
    widths = [_INTEGER.fullmatch(factor) for factor in (activation, weight)]
    if widths[0] and widths[1]:
        return _integer_mac(name, int(widths[0][1]), int(widths[1][1]), accumulator, node_nm)
    factors = {activation, weight}
    if factors <= {"fp8", "fp8_e4m3", "fp8_e5m2"}:
        base = _integer_mac(name, 8, 8, "int32", node_nm)
        source = f"{FP8_OF_INT8} x int8 MAC: middle of 1.5 to 2.8, arXiv 2303.17951; {ANCHORS}"
        return weighted_sum(name, [(FP8_OF_INT8, base)], source, "derived")
    wide = next(known for known in ("fp32", "bf16", "fp16", "fp8") if _starts(factors, known))
    wide = "fp16" if wide == "fp8" else wide
    total = accumulator if accumulator in ("fp16", "bf16", "fp32") else "fp32"
    terms = [(1.0, _float(wide, "mult", node_nm)), (1.0, _float(total, "add", node_nm))]
    return weighted_sum(name, terms, f"{wide} multiply + {total} add; {ANCHORS}")


def _starts(names: set[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _integer_mac(name: str, first: int, second: int, accumulator: str, node_nm: float) -> Figure:
    found = _INTEGER.fullmatch(accumulator)
    width = int(found[1]) if found else 32
    product, total = first * second / 64, width / 32
    terms = [
        (product, operation("int8_mult", node_nm)),
        (total, operation("int32_add", node_nm)),
    ]
    source = f"int8 multiply + int32 add; {ANCHORS}"
    if product == total == 1:
        return weighted_sum(name, terms, source)
    source = f"int8 multiply x {product:g} (widths) + int32 add x {total:g} (width); {ANCHORS}"
    return weighted_sum(name, terms, source, "derived")


def _float(fmt: str, action: str, node_nm: float) -> Figure:
    if fmt != "bf16":
        return operation(f"{fmt}_{action}", node_nm)
    old, new = OPERATIONS_PJ[f"fp16_{action}"]
    anchor = BF16_7NM_PJ[action]
    scaled = at_node(f"bf16_{action}", (anchor * old / new, anchor), "pJ", node_nm)
    return weighted_sum(scaled.name, [(1.0, scaled)], scaled.source, "derived")

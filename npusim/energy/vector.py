"""Energy of the vector unit's and the output stage's operations, derived from the arithmetic table.

No table publishes them, so each is the integer arithmetic that the operation takes. To rescale is
an int32 multiplication and a rounding addition. Moving data is SRAM traffic and counted there.
"""

from __future__ import annotations

from functools import lru_cache

from npusim.energy import sram
from npusim.energy.arithmetic import operation
from npusim.energy.figures import ANCHORS, Figure, Kind, weighted_sum

INGREDIENTS: dict[str, tuple[str, dict[str, float]]] = {
    "add": ("three rescales and an int32 add", {"int32_mult": 3, "int32_add": 4}),
    "mul": ("int8 multiply and a rescale", {"int8_mult": 1, "int32_mult": 1, "int32_add": 1}),
    "div": (
        "a reciprocal (first estimate, three Newton steps of two multiplications and two "
        "additions, as gemmlowp's fixed point does), the product and a rescale",
        {"int32_mult": 9, "int32_add": 8},
    ),
    "max": ("int8 comparison; both factors have one scale", {"int8_add": 1}),
    "norm": (
        "its part of the sum and of the sum of squares, difference from the mean, multiplication "
        "by the inverse deviation, bias and a rescale",
        {"int32_mult": 3, "int32_add": 5},
    ),
    "resize": (
        "three linear interpolations (difference, multiplication, addition) and a rounding",
        {"int32_mult": 3, "int32_add": 7},
    ),
    "pool": ("int32 add or comparison an element read", {"int32_add": 1}),
    "mean": ("int32 add an element read", {"int32_add": 1}),
    "relu": ("int8 comparison", {"int8_add": 1}),
    "copy": ("no arithmetic; the traffic is in sram", {"int32_add": 0}),
    "requantize": ("rescale and zero point", {"int32_mult": 1, "int32_add": 2}),
    "softmax": (
        "26 int32 operations (ethos-u-vela 5.2.0), half of them assumed to be multiplications",
        {"int32_mult": 13, "int32_add": 13},
    ),
}
"""vector_unit.rates key: in words, and operations of the arithmetic table for one vector op."""

LOOK_UPS = ("lut", "exp")
"""Operations that are one read of a table, charged as a byte of the smallest SRAM published."""
TABLE_BYTES = 8 * 1024

_ASSUMED = ("softmax", "exp")


@lru_cache(maxsize=256)
def vector_operation(rate: str, node_nm: float) -> Figure:
    """Energy of one elementary operation of `vector_unit.rates`, pJ."""
    name = f"vector {rate}"
    kind: Kind = "assumed" if rate in _ASSUMED else "derived"
    if rate in LOOK_UPS:
        read = sram.access(TABLE_BYTES, node_nm)
        return Figure(name, read.value, "pJ", f"a table's byte: {read.source}", kind, node_nm)
    words, counts = INGREDIENTS[rate]
    terms = [(count, operation(part, node_nm)) for part, count in counts.items()]
    return weighted_sum(name, terms, f"{words}; {ANCHORS}", kind)


@lru_cache(maxsize=256)
def requantization(node_nm: float) -> Figure:
    """Energy of one output element in the output stage, pJ."""
    terms = [(1.0, operation("int32_mult", node_nm)), (3.0, operation("int32_add", node_nm))]
    words = "int32 multiply and three int32 adds (bias, rounding, zero point)"
    return weighted_sum("requantization", terms, f"{words}; {ANCHORS}", "derived")

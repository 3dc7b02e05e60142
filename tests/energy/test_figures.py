"""Figures per action: the published anchors, the lines between them, and independent sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.energy import arithmetic, sram, vector
from npusim.energy.figures import KINDS, at_node, log_log, weighted_sum

KIB = 1024


@pytest.mark.parametrize("name", arithmetic.OPERATIONS_PJ)
def test_an_anchor_is_returned_as_published(name: str) -> None:
    old, new = arithmetic.OPERATIONS_PJ[name]
    for node, value in ((45.0, old), (7.0, new)):
        figure = arithmetic.operation(name, node)
        assert figure.value == value
        assert (figure.kind, figure.unit, figure.node_nm) == ("published", "pJ", node)


@pytest.mark.parametrize(
    ("node", "expected"),
    [(45, 0.30), (28, 0.23), (22, 0.20), (16, 0.16), (12, 0.14), (7, 0.10), (5, 0.082)],
)
def test_an_int8_mac_follows_the_interpolated_table(node: float, expected: float) -> None:
    assert arithmetic.mac("int8", "int8", "int32", node).value == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize(
    ("size_kib", "node", "expected"),
    [(8, 28, 1.16), (8, 16, 1.07), (32, 22, 1.80), (32, 16, 1.55), (1024, 28, 7.6),
     (1024, 16, 4.2), (1024, 7, 1.75)],
)  # fmt: skip
def test_an_sram_byte_follows_the_interpolated_table(
    size_kib: int, node: float, expected: float
) -> None:
    figure = sram.access(size_kib * KIB, node)
    assert figure.value == pytest.approx(expected, rel=0.01)
    assert figure.kind == ("published" if node == 7 else "interpolated")


def test_outside_its_anchors_a_figure_is_derived_and_says_so() -> None:
    assert arithmetic.operation("int8_add", 28).kind == "interpolated"
    smaller = arithmetic.operation("int8_add", 5)
    assert smaller.kind == "derived" and "extrapolated to 5 nm" in smaller.source
    assert sram.access(128 * KIB, 45).kind == "interpolated"
    larger = sram.access(4096 * KIB, 45)
    assert larger.kind == "derived" and "extrapolated to 4096 KiB" in larger.source


def test_cacti_which_is_another_source_agrees_at_45_nm() -> None:
    """CACTI 7, 45 nm ITRS-HP, pJ per 64-bit read; it is 0.6 to 1.06 of Horowitz at the anchors."""
    for size_kib, cacti_pj in ((8, 6.1), (32, 17.0), (128, 37.5), (1024, 77.0), (4096, 139.0)):
        ours_pj = 8 * sram.access(size_kib * KIB, 45).value
        assert 0.6 < cacti_pj / ours_pj < 1.06, size_kib


def test_a_large_buffer_at_7_nm_agrees_with_an_independent_reader() -> None:
    """AccelForge's TPUv4i: a 4 MB buffer at 7 nm, read 0.249 and write 0.293 pJ/bit."""
    ours = sram.access(4096 * KIB, 7).value
    assert 8 * 0.249 < ours < 8 * 0.293


def test_the_rule_of_widths_predicts_the_published_wide_multiplier() -> None:
    old, new = (arithmetic.OPERATIONS_PJ["int8_mult"][at] * 16 for at in (0, 1))
    assert old == pytest.approx(arithmetic.OPERATIONS_PJ["int32_mult"][0], rel=0.05)
    assert new == pytest.approx(arithmetic.OPERATIONS_PJ["int32_mult"][1], rel=0.30)


def test_integer_macs_by_width() -> None:
    narrow = arithmetic.mac("int8", "int4", "int32", 45)
    assert narrow.value == pytest.approx(0.2 / 2 + 0.1)
    assert narrow.kind == "derived"
    assert arithmetic.mac("int16", "int8", "int32", 45).value == pytest.approx(0.2 * 2 + 0.1)
    assert arithmetic.mac("int8", "int8", "int24", 45).value == pytest.approx(0.2 + 0.1 * 24 / 32)
    assert arithmetic.mac("uint8", "int8", "int32", 45).value == pytest.approx(0.3)
    wider = arithmetic.mac("int8", "int8", "int32", 45, compute="int16")
    assert wider.value == arithmetic.mac("int16", "int16", "int32", 45).value


def test_floating_point_macs() -> None:
    assert arithmetic.mac("fp16", "fp16", "fp32", 45).value == pytest.approx(2.0)
    assert arithmetic.mac("fp16", "fp16", "fp32", 7).value == pytest.approx(0.72)
    assert arithmetic.mac("fp16", "fp16", "fp16", 7).value == pytest.approx(0.50)
    assert arithmetic.mac("bf16", "bf16", "bf16", 7).value == pytest.approx(0.32)
    assert arithmetic.mac("fp32", "fp32", "fp32", 45).value == pytest.approx(4.6)


def test_fp8_lies_in_the_published_range_and_costs_fp16_where_it_is_converted() -> None:
    int8 = arithmetic.mac("int8", "int8", "int32", 16).value
    native = arithmetic.mac("fp8", "fp8", "fp32", 16)
    assert 1.5 * int8 < native.value < 2.8 * int8
    converted = arithmetic.mac("fp8", "fp8", "fp32", 16, compute="fp16")
    assert converted.value == arithmetic.mac("fp16", "fp16", "fp32", 16).value


def test_vector_operations_are_the_arithmetic_that_they_take() -> None:
    mult, add = 3.1, 0.1
    assert vector.vector_operation("add", 45).value == pytest.approx(3 * mult + 4 * add)
    assert vector.vector_operation("pool", 45).value == pytest.approx(add)
    assert vector.vector_operation("copy", 45).value == 0.0
    assert vector.requantization(45).value == pytest.approx(mult + 3 * add)
    assert vector.vector_operation("softmax", 45).kind == "assumed"
    assert vector.vector_operation("lut", 45).value == pytest.approx(10 / 8)


def test_every_operation_of_the_vector_unit_has_an_energy() -> None:
    from typing import get_args

    from npusim.hardware.schema import VectorOp

    for rate in get_args(VectorOp):
        assert vector.vector_operation(rate, 16).name == f"vector {rate}"


@given(st.floats(3, 90), st.floats(1.01, 4), st.sampled_from(sorted(arithmetic.OPERATIONS_PJ)))
def test_a_smaller_node_takes_less_energy(node: float, factor: float, name: str) -> None:
    larger = arithmetic.operation(name, node * factor).value
    assert arithmetic.operation(name, node).value < larger


@given(st.integers(1024, 1 << 26), st.integers(2, 16), st.sampled_from([7.0, 16.0, 45.0]))
def test_a_larger_sram_takes_more_energy_a_byte(size: int, factor: int, node: float) -> None:
    assert sram.access(size, node).value < sram.access(size * factor, node).value
    assert sram.leakage_w(size * factor) == pytest.approx(factor * sram.leakage_w(size))


def test_log_log_is_a_power_law_through_its_points() -> None:
    points = {2.0: 8.0, 4.0: 32.0, 8.0: 32.0}
    assert log_log(2.0, points) == 8.0
    assert log_log(3.0, points) == pytest.approx(18.0)
    assert log_log(6.0, points) == pytest.approx(32.0)
    assert log_log(1.0, points) == pytest.approx(2.0)
    assert log_log(80.0, points) == pytest.approx(32.0)


def test_a_sum_is_no_better_than_its_worst_term() -> None:
    published, derived = at_node("a", (2.0, 1.0), "pJ", 45), at_node("b", (2.0, 1.0), "pJ", 90)
    total = weighted_sum("sum", [(2.0, published), (1.0, derived)], "made up")
    assert total.value == pytest.approx(4.0 + derived.value)
    assert total.kind == "derived"
    assert KINDS.index("published") < KINDS.index("interpolated") < KINDS.index("assumed")

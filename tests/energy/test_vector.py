"""Energy of the vector unit's operations: the arithmetic that each takes, and its order."""

from __future__ import annotations

import pytest

from npusim.energy.vector import INGREDIENTS, vector_operation

MULT_PJ, ADD_PJ, SMALL_ADD_PJ = 3.1, 0.1, 0.03  # Horowitz, ISSCC 2014, at 45 nm


@pytest.mark.parametrize(
    ("rate", "mults", "adds"),
    [("div", 1 + 6 + 1 + 1, 1 + 6 + 1), ("norm", 3, 5), ("resize", 3, 7), ("requantize", 1, 2)],
)
def test_an_operation_is_its_multiplications_and_additions(
    rate: str, mults: int, adds: int
) -> None:
    figure = vector_operation(rate, 45)
    assert figure.value == pytest.approx(mults * MULT_PJ + adds * ADD_PJ)
    assert (figure.kind, figure.unit) == ("derived", "pJ")


def test_the_larger_of_two_takes_one_comparison() -> None:
    assert vector_operation("max", 45).value == pytest.approx(SMALL_ADD_PJ)
    assert vector_operation("max", 45).value < vector_operation("add", 45).value


def test_quotient_and_normalization_take_more_than_a_product() -> None:
    for node_nm in (7, 16, 45):
        product = vector_operation("mul", node_nm).value
        assert vector_operation("norm", node_nm).value > product
        assert vector_operation("div", node_nm).value > product


@pytest.mark.parametrize("rate", INGREDIENTS)
def test_each_says_in_words_what_it_takes(rate: str) -> None:
    words, _ = INGREDIENTS[rate]
    assert vector_operation(rate, 16).source.startswith(words)

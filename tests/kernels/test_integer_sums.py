"""Wide, saturating and blocked integer sums: an oracle in plain Python, and every fast path."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings

from npusim.doctor import sum_cases
from npusim.doctor.draws import Draw
from npusim.kernels.table import kernels, native_available
from npusim.numerics.requantize import make_requantizer
from tests.support.drawn import cases_of

MAKERS = {
    "conv_accumulate_wide": sum_cases.wide,
    "conv_accumulate_saturating": sum_cases.saturating,
    "conv_accumulate_blocked": sum_cases.blocked,
}
PATHS = [
    pytest.param("c", marks=pytest.mark.skipif(not native_available(), reason="no C kernels")),
    "numba",
]


def _products(case: sum_cases.SumCase, at: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """(tap, channel, product) of one output of the tile, in the order of the definition."""
    it = case.products
    b, y, x, g, k = at
    t = it.tile
    stride_y, stride_x, dilation_y, dilation_x, top, left = it.geometry
    blocks = it.w_zero.ndim == 5
    for fy in range(it.w.shape[2]):
        for fx in range(it.w.shape[3]):
            row = (t.y0 + y) * stride_y + fy * dilation_y - top
            col = (t.x0 + x) * stride_x + fx * dilation_x - left
            inside = 0 <= row < it.x.shape[1] and 0 <= col < it.x.shape[2]
            for c in range(t.c0, t.c1):
                group, filter_ = t.g0 + g, t.k0 + k
                where = (group, filter_, fy, fx, c // case.more[1]) if blocks else (group, filter_)
                weight = int(it.w[group, filter_, fy, fx, c]) - int(it.w_zero[where])
                value = int(it.x[t.b0 + b, row, col, group, c]) - it.x_zero if inside else 0
                yield fy * it.w.shape[3] + fx, c, value * weight


def _wrapped(value: int, bits: int) -> int:
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def _wide(case: sum_cases.SumCase, at: tuple[int, ...]) -> int:
    return _wrapped(int(case.products.acc[at]) + sum(p for *_, p in _products(case, at)), 64)


def _saturating(case: sum_cases.SumCase, at: tuple[int, ...]) -> int:
    bits, tree = case.more
    groups: dict[tuple[int, int], int] = {}
    for tap, c, product in _products(case, at):
        key = tap, (c - case.products.tile.c0) // tree
        groups[key] = groups.get(key, 0) + product
    total = int(case.products.acc[at])
    for added in groups.values():
        total = max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, total + added))
    return total


def _blocked(case: sum_cases.SumCase, at: tuple[int, ...]) -> np.float32:
    scale, block, bits = case.more
    g, k = at[3] + case.products.tile.g0, at[4] + case.products.tile.k0
    blocks: dict[tuple[int, int], int] = {}
    for tap, c, product in _products(case, at):
        blocks[tap, c // block] = blocks.get((tap, c // block), 0) + product
    total = case.products.acc[at]
    for (tap, number), added in blocks.items():
        factor = scale[(g, k, *divmod(tap, case.products.w.shape[3]), number)]
        total = np.float32(total + np.float32(np.float32(_wrapped(added, bits)) * factor))
    return total


ORACLES = {
    "conv_accumulate_wide": _wide,
    "conv_accumulate_saturating": _saturating,
    "conv_accumulate_blocked": _blocked,
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_reference_is_the_sum_of_products_one_by_one(name: str) -> None:
    @settings(max_examples=30)
    @given(cases_of(MAKERS[name]))
    def check(case: sum_cases.SumCase) -> None:
        found = case.run(kernels("reference"), name)
        rng = np.random.default_rng(0)
        for _ in range(12 if found.size else 0):
            at = tuple(int(rng.integers(extent)) for extent in found.shape)
            assert found[at] == ORACLES[name](case, at)

    check()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_sums_equal_the_reference(name: str, depthwise: bool, path: str) -> None:
    @settings(max_examples=40)
    @given(cases_of(partial(MAKERS[name], depthwise=depthwise)))
    def check(case: sum_cases.SumCase) -> None:
        expected = case.run(kernels("reference"), name)
        np.testing.assert_array_equal(case.run(kernels(path), name), expected)

    check()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("depthwise", [False, True])
def test_wide_layers_and_drains_equal_the_reference(depthwise: bool, path: str) -> None:
    def both(draw: Draw) -> tuple[sum_cases.LayerCase, sum_cases.RequantizeCase]:
        return sum_cases.wide_layer(draw, depthwise), sum_cases.wide_drain(draw)

    @settings(max_examples=60)
    @given(cases_of(both))
    def check(found: tuple[sum_cases.LayerCase, sum_cases.RequantizeCase]) -> None:
        for case in found:
            np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))

    check()


@pytest.mark.skipif(not native_available(), reason="no C kernels")
@pytest.mark.parametrize("most", ["generic", "avx2"])
def test_wide_layers_on_fewer_instructions(most: str) -> None:
    from npusim.kernels.native import INSTRUCTION_SETS, limit_instructions

    @settings(max_examples=40)
    @given(cases_of(sum_cases.wide_layer))
    def check(case: sum_cases.LayerCase) -> None:
        np.testing.assert_array_equal(case.run(kernels("c")), case.run(kernels("reference")))

    limit_instructions(most)
    try:
        check()
    finally:
        limit_instructions(INSTRUCTION_SETS[-1])


@pytest.mark.parametrize("path", ["reference", *PATHS])
def test_the_largest_products_do_not_overflow_a_pair(path: str) -> None:
    channels = 5000
    x = np.full((1, 1, 3, 1, channels), -(2**15), np.int16)
    w = np.full((1, 17, 1, 1, channels), -128, np.int8)
    acc = np.zeros((1, 1, 3, 1, 17), np.int64)
    tile = (0, 1, 0, 1, 0, 17, 0, channels, 0, 1, 0, 3)
    accumulate = kernels(path).get("conv_accumulate_wide")
    accumulate(x, w, acc, tile, (1, 1, 1, 1, 0, 0), 0, np.zeros((1, 17), np.int32))
    assert (acc == channels * 2**22).all()


@pytest.mark.parametrize("path", ["reference", *PATHS])
def test_enough_bits_are_the_exact_sum_and_fewer_are_bounded(path: str) -> None:
    rng = np.random.default_rng(1)
    x, w = (
        rng.integers(-128, 128, s).astype(np.int8) for s in ((1, 5, 5, 1, 40), (1, 6, 3, 3, 40))
    )
    zeros = np.zeros((1, 6), np.int32)
    tile, geometry = (0, 1, 0, 1, 0, 6, 0, 40, 0, 5, 0, 5), (1, 1, 1, 1, 1, 1)
    exact = np.zeros((1, 5, 5, 1, 6), np.int64)
    kernels(path).get("conv_accumulate_wide")(x, w, exact, tile, geometry, 0, zeros)
    errors = []
    for bits in (16, 18, 20, 24, 32):
        acc = np.zeros_like(exact)
        kernels(path).get("conv_accumulate_saturating")(
            x, w, acc, tile, geometry, 0, zeros, bits, 4
        )  # fmt: skip
        assert np.abs(acc).max() <= 2 ** (bits - 1)
        errors.append(int(np.abs(acc - exact).sum()))
    assert errors[0] > 0 == errors[-1]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros((2, 4, 4, 1, 4), np.int8)},
        {"x": np.zeros((2, 4, 4, 1, 3), np.int32)},
        {"w": np.zeros((1, 5, 1, 1, 3), np.float32)},
        {"acc": np.zeros((2, 4, 4, 1, 4))},
        {"w_zero": np.zeros((1, 4), np.int32)},
        {"tile": sum_cases.Tile(0, 2, 0, 1, 1, 6, 0, 3, 0, 4, 0, 4)},
        {"geometry": (0, 1, 1, 1, 0, 0)},
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    path: str, name: str, change: dict[str, object]
) -> None:
    sums = np.float32 if name.endswith("blocked") else np.int64
    zeros = np.zeros((1, 5, 1, 1, 2) if name.endswith("blocked") else (1, 5), np.int32)
    more = {
        "conv_accumulate_wide": (),
        "conv_accumulate_saturating": (24, 1),
        "conv_accumulate_blocked": (zeros.astype(np.float32), 2, 32),
    }[name]
    fitting = sum_cases.ConvolutionCase(
        np.zeros((2, 4, 4, 1, 3), np.int16), np.zeros((1, 5, 1, 1, 3), np.int8),
        np.zeros((2, 4, 4, 1, 5), sums), sum_cases.Tile(0, 2, 0, 1, 0, 5, 0, 3, 0, 4, 0, 4),
        (1, 1, 1, 1, 0, 0), 0, zeros,
    )  # fmt: skip
    sum_cases.SumCase(fitting, more).run(kernels(path), name)
    wrong = sum_cases.SumCase(dataclasses.replace(fitting, **change), more)
    with pytest.raises(ValueError):
        wrong.run(kernels(path), name)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("more", [(1, 1), (63, 1), (24, 0)])
def test_widths_and_trees_that_do_not_exist_are_refused(path: str, more: tuple[int, int]) -> None:
    case = sum_cases.ConvolutionCase(
        np.zeros((1, 1, 1, 1, 3), np.int8), np.zeros((1, 5, 1, 1, 3), np.int8),
        np.zeros((1, 1, 1, 1, 5), np.int64), sum_cases.Tile(0, 1, 0, 1, 0, 5, 0, 3, 0, 1, 0, 1),
        (1, 1, 1, 1, 0, 0), 0, np.zeros((1, 5), np.int32),
    )  # fmt: skip
    with pytest.raises(ValueError):
        sum_cases.SumCase(case, more).run(kernels(path), "conv_accumulate_saturating")


@pytest.mark.parametrize("path", PATHS)
def test_arrays_that_do_not_fit_a_wide_layer_are_refused(path: str) -> None:
    scale = np.full(5, 1e-3)
    made = make_requantizer("reduced_multiplier", scale.astype(np.float32), scale, 0, -99, 99)
    layer = kernels(path).get("convolution_layer_wide")(
        np.ones((1, 5, 1, 1, 3), np.int8), np.zeros((1, 5), np.int32), 0, (1, 1, 1, 1, 0, 0),
        np.zeros(5, np.int64), made,
    )  # fmt: skip
    x, out = np.zeros((1, 4, 4, 1, 3), np.int16), np.zeros((1, 4, 4, 1, 5), np.int16)
    layer(x, out)
    for wrong_x, wrong_out in ((x[..., :2], out), (x, out[..., :4]), (x, out.astype(np.int32))):
        with pytest.raises(ValueError):
            layer(wrong_x, wrong_out)

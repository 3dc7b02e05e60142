"""Code sets: the standards' own values, and what the rule of a name says."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.quantize.formats.grids import EXAMPLES, grid_named, grids_named


def _values(dtype: type, bits: int) -> np.ndarray:
    """Every finite value of an ml_dtypes format, ascending, each once."""
    real = np.arange(2**bits, dtype=np.uint8).view(dtype).astype(np.float64)
    return np.unique(real[np.isfinite(real)])


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("fp8_e4m3", ml_dtypes.float8_e4m3fn), ("fp8_e5m2", ml_dtypes.float8_e5m2)],
)
def test_ocp_formats_have_their_values(name: str, dtype: type) -> None:
    assert np.array_equal(grid_named(name).values, _values(dtype, 8))


@pytest.mark.parametrize(
    ("name", "dtype", "bits"),
    [
        ("e2m1", ml_dtypes.float4_e2m1fn, 4),
        ("e2m3", ml_dtypes.float6_e2m3fn, 6),
        ("e3m2", ml_dtypes.float6_e3m2fn, 6),
    ],
)
def test_microscaling_elements_have_their_values_up_to_the_bias(
    name: str, dtype: type, bits: int
) -> None:
    values, theirs = grid_named(name).values, _values(dtype, bits)
    assert np.array_equal(values * (theirs[-1] / values[-1]), theirs)


@pytest.mark.parametrize(("name", "special"), [("fp8_e4m3", 1), ("fp8_e5m2", 4)])
def test_all_codes_are_a_standards_codes_and_those_without_a_number(
    name: str, special: int
) -> None:
    ours, theirs = grid_named(name.removeprefix("fp8_")), grid_named(name)
    positive, fewer = ours.values[ours.values > 0], theirs.values[theirs.values > 0]
    assert len(positive) == len(fewer) + special
    assert np.array_equal(positive[: len(fewer)] * (fewer[0] / positive[0]), fewer)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_grid_has_as_many_values_as_codes(name: str) -> None:
    grid = grid_named(name)
    unused = {"fp8_e4m3": 3, "fp8_e5m2": 9}.get(name, 0 if grid.asymmetric else 1)
    assert len(grid.values) == 2**grid.bits - unused  # one zero of two, or no -2^(B-1)
    assert (np.diff(grid.values) > 0).all()
    assert grid.asymmetric or np.array_equal(grid.values, -grid.values[::-1])


def test_one_exponent_bit_makes_an_integer_grid() -> None:
    """Its subnormals and normals have one step: as many codes, one more mantissa bit."""
    floats, integers = grid_named("e1m6"), grid_named("int8")
    assert np.array_equal(floats.values / floats.values[-1], integers.values / 127)


def test_an_asymmetric_grid_covers_the_range_with_zero_on_a_code() -> None:
    grid = grid_named("int8-asym")
    scale, zero = grid.placed(np.array([0.0, -1.0, -3.0]), np.array([5.0, 3.0, 0.0]), 1.0)
    assert np.allclose(scale * 255, [5.0, 4.0, 3.0])
    assert zero.tolist() == [0.0, 64.0, 255.0]


def test_every_mistake_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        grids_named(("int8", "int9", "e4m4", "e0m7", "e4n3", "int8", "int1"))
    said = str(caught.value).splitlines()
    assert len(said) == 6
    assert "9 bits" in said[0] and "9 bits" in said[1] and "int8 is that format" in said[2]
    assert "did you mean 'e4m3'?" in said[3] and "given twice" in said[4] and "1 bits" in said[5]

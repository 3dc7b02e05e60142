"""Quantities: what is accepted, what is refused and why, and that text and number agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.units import DIMENSIONS, QuantityError, format_quantity, parse_quantity

FRACTIONAL = sorted(name for name, kind in DIMENSIONS.items() if not kind.whole)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("512 KiB", "bytes", 512 * 1024),
        ("512 kB", "bytes", 512_000),
        ("1.5 KiB", "bytes", 1536),
        ("2 GiB", "bytes", 2 << 30),
        ("7 B", "bytes", 7),
        ("500 MHz", "frequency", 5e8),
        ("1GHz", "frequency", 1e9),
        ("64 B/cycle", "bytes_per_cycle", 64.0),
        ("0.5 elements/cycle", "elements_per_cycle", 0.5),
        ("1 element/cycle", "elements_per_cycle", 1.0),
        ("8 weights/cycle", "weights_per_cycle", 8.0),
        ("51.2 GB/s", "bytes_per_second", 51.2e9),
        ("3.7 GiB/s", "bytes_per_second", 3.7 * 2**30),
        ("100 cycles", "cycles", 100),
        ("10 us", "time", 1e-5),
        ("55.3 ns", "time", 55.3e-9),
        ("16 nm", "length", 16e-9),
        ("2 GFLOP/s", "flops", 2e9),
        ("20 mW", "power", 0.02),
        ("0.16 pJ", "energy", 0.16),
        ("2 nJ", "energy", 2000.0),
        ("6 pJ/bit", "energy_per_byte", 48.0),
        ("1.5 pJ/B", "energy_per_byte", 1.5),
        ("250 um2", "area", 250e-6),
        ("  1e3   Hz ", "frequency", 1000.0),
        ("-3 B", "bytes", -3),
    ],
)
def test_reads_the_exact_value(text: str, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == value


def test_whole_dimensions_give_integers() -> None:
    assert isinstance(parse_quantity("1.5 KiB", "bytes"), int)
    assert isinstance(parse_quantity("3 cycles", "cycles"), int)
    assert isinstance(parse_quantity("3 Hz", "frequency"), float)


@pytest.mark.parametrize(
    ("text", "dimension", "part"),
    [
        ("512 kiB", "bytes", "did you mean 'KiB'?"),
        ("500 Mhz", "frequency", "did you mean 'MHz'?"),
        ("500 mHz", "frequency", "one of GHz, MHz, kHz, Hz, for example '500 MHz'"),
        ("64", "bytes_per_cycle", "has no unit: expected a number with one of B/cycle"),
        ("five KiB", "bytes", "is not a number and a unit"),
        ("", "bytes", "is not a number and a unit"),
        ("0.3 B", "bytes", "is not a whole number of B"),
        ("1.5 cycles", "cycles", "is not a whole number of cycles"),
        ("nan s", "time", "is not a number and a unit"),
        ("1e999 s", "time", "unknown unit"),
        ("1_000 B", "bytes", "unknown unit"),
        ("9" * 100 + " B", "bytes", "is not a number and a unit"),
    ],
)
def test_refuses_and_says_what_would_do(text: str, dimension: str, part: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text, dimension)
    assert part in str(caught.value)


@pytest.mark.parametrize("value", [64, 0.5, None, ["1 B"], {"a": 1}, True])
def test_a_number_without_its_unit_is_refused(value: object) -> None:
    with pytest.raises(QuantityError, match="for example '256 KiB'"):
        parse_quantity(value, "bytes")


def test_binary_and_decimal_bytes_are_not_the_same() -> None:
    assert parse_quantity("1 MiB", "bytes") - parse_quantity("1 MB", "bytes") == 48_576


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (524288, "bytes", "512 KiB"),
        (1 << 20, "bytes", "1 MiB"),
        (1000, "bytes", "1000 B"),
        (0, "bytes", "0 B"),
        (5e8, "frequency", "500 MHz"),
        (3.75e9, "bytes_per_second", "3.75 GB/s"),
        (1.6e-8, "length", "16 nm"),
        (1e-5, "time", "10 us"),
        (0.0, "time", "0 ps"),
        (64.0, "bytes_per_cycle", "64 B/cycle"),
        (225.0, "energy_per_byte", "225 pJ/B"),
    ],
)
def test_formats_in_the_largest_unit_that_fits(value: float, dimension: str, text: str) -> None:
    assert format_quantity(value, dimension) == text


@given(st.sampled_from(FRACTIONAL), st.floats(1e-12, 1e15, allow_nan=False))
def test_formatted_numbers_read_back_equal(dimension: str, value: float) -> None:
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(st.sampled_from(["bytes", "cycles"]), st.integers(-(2**50), 2**50))
def test_formatted_integers_read_back_equal(dimension: str, value: int) -> None:
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(st.sampled_from(sorted(DIMENSIONS)), st.data())
def test_every_unit_scales_as_its_table_says(dimension: str, data: st.DataObject) -> None:
    kind = DIMENSIONS[dimension]
    unit = data.draw(st.sampled_from(sorted(kind.units)))
    count = data.draw(st.integers(1, 1000)) * kind.units[unit].denominator
    assert parse_quantity(f"{count} {unit}", dimension) == float(count * kind.units[unit])


@given(st.sampled_from(sorted(DIMENSIONS)), st.text(max_size=80))
def test_any_text_gives_a_number_or_a_quantity_error(dimension: str, text: str) -> None:
    try:
        value = parse_quantity(text, dimension)
    except QuantityError:
        return
    assert isinstance(value, int | float)

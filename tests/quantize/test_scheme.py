"""Schemes by name and the texts of formats; what is wrong in them is said."""

from __future__ import annotations

import pytest

from npusim.errors import UsageError
from npusim.numerics.formats import INT4, INT8, UINT8
from npusim.quantize.scheme import (
    SCHEMES,
    Activations,
    Weights,
    kept_in,
    parse_activations,
    parse_weights,
    scheme_named,
)


def test_a_layer_has_its_own_formats_or_those_of_all() -> None:
    kept = kept_in("fp16")
    scheme = scheme_named("w8a8").with_layer("stem", kept)
    assert scheme.of("stem") is kept
    assert scheme.of("other").weights.format == INT8
    assert scheme.of("other").activations.format == UINT8


def test_int3_lies_in_int4() -> None:
    weights = parse_weights("int3:per-channel")
    assert (weights.format, weights.bits) == (INT4, 3)


def test_texts_of_formats() -> None:
    assert parse_weights("int4:per-block-64") == Weights("int4", "per-block", 64)
    assert parse_weights("int8") == Weights("int8", "per-channel")
    assert parse_activations("int8") == Activations("int8", symmetric=True)
    assert parse_activations("int8:asymmetric") == Activations("int8", symmetric=False)
    assert parse_activations("uint8:symmetric") == Activations("uint8", symmetric=True)


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_weights, "int9", "unknown format 'int9'"),
        (parse_weights, "int8:per-row", "per-tensor, per-channel, per-block"),
        (parse_weights, "int8:per-block-0", "per-block-N"),
        (parse_weights, "int8:per-channel-4", "per-block-N"),
        (parse_activations, "fp16:symmetric", "of integers alone"),
        (parse_activations, "unit8", "did you mean 'uint8'"),
        (scheme_named, "w8a9", "unknown scheme 'w8a9'"),
        (kept_in, "int8", "known: fp16, fp32"),
    ],
)
def test_wrong_texts_are_refused_by_name(parse, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert said in str(caught.value)


def test_only_activations_with_scales_need_samples() -> None:
    assert {name for name, one in SCHEMES.items() if not one.needs_calibration} == {
        "w8", "w4", "fp16", "dynamic",
    }  # fmt: skip

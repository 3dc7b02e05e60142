"""What a narrower accumulator does to the digit recognizer: the command that shows it."""

from __future__ import annotations

import json

from tests.support.commands import done


def correct(*fields: str) -> int:
    """Digits recognized on hardware with the overrides `fields` of its accumulators."""
    overrides = (part for field in fields for part in ("--set", f"mac_array.accumulator.{field}"))
    report = json.loads(done("run", "--json", "-", *overrides))
    return int(report["accuracy"]["correct"])


def test_fewer_bits_recognize_fewer_digits_and_saturation_loses_less_than_wrapping() -> None:
    whole = correct("format=int32")
    assert correct("format=int24", "on_overflow=saturate") == whole
    saturated = correct("format=int16", "on_overflow=saturate")
    assert correct("format=int16", "on_overflow=wrap") < saturated < whole

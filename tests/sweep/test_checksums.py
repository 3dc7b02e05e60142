"""Checksums of rows: what is written reads back with its own, and any other value has another."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.sweep.checksums import is_sound, sealed

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
)  # fmt: skip


def _kinds(value: Any) -> list[str]:
    if isinstance(value, str):
        return ["TEXT"]
    whole = value is None or isinstance(value, int)
    return ["TEXT", "REAL", "INTEGER"] if whole else ["TEXT", "REAL"]


@given(st.lists(VALUES, min_size=1, max_size=6), st.data())
def test_sqlite_gives_back_what_was_sealed(row: list[Any], data: st.DataObject) -> None:
    types = [data.draw(st.sampled_from(_kinds(value))) for value in row]
    columns = ", ".join(f"c{at} {kind}" for at, kind in enumerate(types))
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE t ({columns}, checksum INTEGER)")
    written = sealed(row, types)
    database.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(written))})", written)
    (read,) = database.execute("SELECT * FROM t")
    assert read == written and list(map(type, read)) == list(map(type, written))
    assert is_sound(read)


@given(st.lists(VALUES, min_size=1, max_size=6), st.data())
def test_another_value_has_another_checksum(row: list[Any], data: st.DataObject) -> None:
    whole = sealed(row, ["TEXT"] * len(row))
    at = data.draw(st.integers(0, len(row) - 1))
    other = data.draw(st.one_of(st.none(), st.integers(0, 9), st.text(max_size=3), st.binary()))
    if other != whole[at]:
        assert not is_sound((*whole[:at], other, *whole[at + 1 :]))


@pytest.mark.parametrize("checksum", [None, 0, "", b"\0"])
def test_a_checksum_that_is_none_fits_nothing(checksum: object) -> None:
    assert not is_sound((1, "a", checksum))

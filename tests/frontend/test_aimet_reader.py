"""AIMET encodings files: what each version says, and every mistake named by entry and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from npusim.errors import ModelFileError, NpusimError, UsageError
from npusim.frontend.aimet import read_encodings
from npusim.frontend.aimet.encoding import Encoding
from tests.support.aimet import VERSIONS, document, edited, encodings, entry, ways_to_values


def _named(path: Path) -> dict[str, Encoding]:
    return {one.name: one for one in read_encodings(path)}


def test_all_versions_say_the_same() -> None:
    """One simulation written three times: names that all have are on the same grids."""
    found = {version: _named(encodings(version)) for version in VERSIONS}
    oldest = found["0.6.1"]
    assert len(oldest) == 19
    for version in VERSIONS[1:]:
        for name, one in oldest.items():
            other = found[version][name]
            assert one.format == other.format and one.granularity == other.granularity, name
            assert np.array_equal(one.scale, other.scale), name
            assert np.array_equal(one.zero_point, other.zero_point), name
    assert {name for name in found["2.0.0"] if name not in oldest} == {
        "stem.bias", "dw.bias", "pw.bias", "fc.bias", "pooled", "rows",
    }  # fmt: skip


ENTRY = {"dtype": "int", "bitwidth": 8, "scale": 0.5}
GRIDS = {
    "asymmetric": ("False", -25, 115.0, "uint8", 25, 0, 255),
    "symmetric": ("True", -128, 63.5, "int8", 0, -128, 127),
    "strictly symmetric": ("True", -127, 63.5, "int8", 0, -127, 127),
    "symmetric, one step more above": ("True", -127, 64.0, "int8", -1, -128, 127),
    "symmetric without negative values": ("True", 0, 127.5, "int8", -128, -128, 127),
}


@pytest.mark.parametrize("case", GRIDS)
def test_offsets_become_zero_points(tmp_path: Path, case: str) -> None:
    """real = scale * (code + offset) for codes from 0, as scale * (q - zero point) of stored q."""
    symmetric, offset, high, stored, zero, lowest, highest = GRIDS[case]
    written = {**ENTRY, "is_symmetric": symmetric, "offset": offset, "min": 0.5 * offset}
    content = {
        "version": "0.6.1",
        "activation_encodings": {},
        "param_encodings": {"w": [{**written, "max": high}]},
    }
    path = tmp_path / "one.encodings"
    path.write_text(json.dumps(content))
    (one,) = read_encodings(path)
    assert (one.format.name, int(one.zero_point[0])) == (stored, zero)
    assert (one.low, one.high) == (lowest, highest)
    assert 0.5 * (one.low - zero) == 0.5 * offset
    assert 0.5 * (one.high - zero) == high


def _old(name: str, /, **fields: object) -> Any:
    return lambda content: content["activation_encodings"][name][0].update(fields)


def _new(name: str, /, **fields: object) -> Any:
    return lambda content: entry(content, name).update(fields)


MISTAKES = {
    "a negative scale": ("1.0.0", _new("sum", scale=[-1.0]),
                         "activation_encodings.sum.scale[0]: expected at least"),
    "a scale that is text": ("1.0.0", _new("sum", scale=["1"]),
                             "activation_encodings.sum.scale[0]: expected a number, found '1'"),
    "an infinite scale": ("1.0.0", _new("sum", scale=[float("inf")]), "sum.scale[0]: expected a "),
    "a fraction": ("1.0.0", _new("sum", offset=[-0.5]), "sum.offset: expected whole numbers"),
    "an unknown type": ("1.0.0", _new("sum", enc_type="PER_TENSO"), "found 'PER_TENSO'"),
    "an unknown field": ("1.0.0", _new("sum", sacle=1), "sum.sacle: is no field of an encoding"),
    "lists that differ": ("1.0.0", _new("pw.weight", offset=[0]), "has 8 scales and 1 offsets"),
    "two scales of one": ("1.0.0", _new("sum", scale=[1.0, 1.0], offset=[0, 0]),
                          "is PER_TENSOR with 2 scales"),
    "no block size": ("1.0.0", _new("pw.weight", enc_type="PER_BLOCK"), "without block_size"),
    "a wide format": ("1.0.0", _new("sum", bw=64), "sum.bw: expected at most 32, found 64"),
    "no name": ("1.0.0", lambda content: content["param_encodings"][0].pop("name"),
                "param_encodings[0].name: is missing"),
    "no list": ("1.0.0", lambda content: content.update(param_encodings=3),
                "param_encodings: expected a list, found 3"),
    "another end": ("0.6.1", _old("sum", min=-7.0), "min is -7.0, but scale * offset is -0.76"),
    "another top": ("0.6.1", _old("sum", max=7.0), "max is 7.0, but scale and offset make it 3.2"),
    "an old fraction": ("0.6.1", _old("sum", offset=0.25), "sum[0].offset: expected a whole n"),
    "no scale": ("0.6.1", lambda content: content["activation_encodings"]["sum"][0].pop("scale"),
                 "sum[0]: an encoding of integers without scale"),
    "no entry": ("0.6.1", lambda content: content["activation_encodings"].update(sum=[]),
                 "'sum' has no entry"),
    "mixed channels": ("0.6.1", lambda content: content["param_encodings"]["pw.weight"][1].update(
        is_symmetric="False"), "the channels of 'pw.weight' differ"),
    "ragged scales": ("2.0.0", _new("pw.weight", y_scale=[[1.0], [1.0, 2.0]]),
                      "pw.weight.y_scale: expected lists of equal lengths"),
    "text for scales": ("2.0.0", _new("pw.weight", y_scale="x"), "y_scale: expected a number"),
    "no version": ("1.0.0", lambda content: content.pop("version"), "is not an AIMET encodings"),
    "a later version": ("1.0.0", lambda content: content.update(version="9.0"),
                        "version: version '9.0' is not known; known: 0.5.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_by_entry_and_field(tmp_path: Path, case: str) -> None:
    version, edit, expected = MISTAKES[case]
    path = edited(tmp_path, version, edit)
    with pytest.raises(ModelFileError) as caught:
        read_encodings(path)
    assert expected in str(caught.value)
    assert all(problem.where.startswith(str(path)) for problem in caught.value.problems)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    edits = [_new("sum", scale=[-1.0]), _new("gate", bw="8"), _new("pw.weight", offset=[0])]
    with pytest.raises(ModelFileError) as caught:
        read_encodings(edited(tmp_path, "1.0.0", *edits))
    assert len(caught.value.problems) == 3


def test_names_are_there_once(tmp_path: Path) -> None:
    def twice(content: dict[str, Any]) -> None:
        content["param_encodings"].append(entry(content, "sum"))

    with pytest.raises(ModelFileError, match="'sum' has another encoding already"):
        read_encodings(edited(tmp_path, "1.0.0", twice))
    path = tmp_path / "keys.encodings"
    path.write_text('{"version": "0.6.1", "activation_encodings": {"a": [], "a": []}}')
    with pytest.raises(ModelFileError, match="key 'a' is there twice"):
        read_encodings(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000, '{"version": [1]}'])
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.encodings"
    path.write_text(text)
    with pytest.raises(ModelFileError):
        read_encodings(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_encodings(tmp_path / "none.encodings")


@pytest.mark.parametrize("version", VERSIONS)
def test_any_value_may_be_any_other(tmp_path: Path, version: str) -> None:
    """Every kind of value is read or gets a clear error, never a traceback."""
    random = np.random.default_rng(5)
    content = document(version)
    odd: list[Any] = [None, "", "x", -1, 0, 1e300, -1e-300, True, [], {}, [[]], [None], 2**70]
    places = ways_to_values(content)
    path = tmp_path / "odd.encodings"
    for _ in range(100):
        changed = document(version)
        way = places[int(random.integers(len(places)))]
        inner = changed
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = odd[int(random.integers(len(odd)))]
        path.write_text(json.dumps(changed))
        try:
            assert read_encodings(path)
        except NpusimError as error:
            assert all(problem.what for problem in error.problems)

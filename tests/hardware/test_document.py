"""Reading YAML: places, citations, and everything that is refused before its meaning matters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.hardware.document import (
    MAX_DEPTH,
    MAX_NODES,
    Document,
    read_document,
    read_value,
    resolve_citations,
)


def read(text: str) -> Document:
    document = read_document(text, "f.yaml", "f.yaml")
    resolve_citations(document, {})
    return document


def complaints(text: str) -> list[str]:
    return [str(problem) for problem in read(text).problems]


def test_values_and_their_places() -> None:
    document = read("a: 1\nb:\n  c: [x, 2.5]\n  d: null\n")
    assert document.data == {"a": 1, "b": {"c": ["x", 2.5], "d": None}}
    assert document.places[("b", "c", 1)].where == "f.yaml:3:10"
    assert document.places[("b", "c")].key_where == "f.yaml:3:3"
    assert document.problems == []


def test_a_number_with_an_exponent_is_a_number() -> None:
    assert read("a: 1e-3\nb: '1e-3'\n").data == {"a": 0.001, "b": "1e-3"}


def test_a_duplicate_key_is_refused_with_both_places() -> None:
    assert complaints("a:\n  rows: 1\n  cols: 2\n  rows: 3\n") == [
        "f.yaml:4:3: key 'rows' is here twice: the first is at f.yaml:2:3"
    ]


def test_syntax_errors_have_a_place() -> None:
    (problem,) = read("a: [1, 2\nb: 3\n").problems
    assert problem.where.startswith("f.yaml:2:")
    assert problem.what.startswith("not YAML: ")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "just text\n"])
def test_a_file_must_be_a_mapping(text: str) -> None:
    assert complaints(text) == [
        "f.yaml:1:1: expected a mapping of keys to values, for example 'name: my-npu'"
    ]


def test_aliases_are_refused_before_they_expand() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (problem,) = read("\n".join(lines)).problems
    assert problem.where == "f.yaml:1:5"
    assert "anchors and aliases are not read" in problem.what


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 100_000, "- " * 100_000, "a: " + "{b: " * 50_000, "[" * (MAX_DEPTH + 1)],
)
def test_deep_nesting_is_refused_without_recursion(text: str) -> None:
    (problem,) = read(text).problems
    assert "levels" in problem.what or "not YAML" in problem.what


def test_very_many_values_are_refused() -> None:
    (problem,) = read(f"a: [{'1, ' * (MAX_NODES + 1)}]").problems
    assert f"or {MAX_NODES} values" in problem.what


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: !!python/object:os.system x", "put it in quotes"),
        ("a: 2024-01-01", "is read as timestamp: put it in quotes"),
        ("? [a, b]\n: 1", "a key must be a name"),
        ("a: !!int x", "is not a int"),
    ],
)
def test_odd_yaml_is_refused(text: str, part: str) -> None:
    (problem,) = read(text).problems
    assert part in problem.what


def test_two_documents_in_a_file_are_refused() -> None:
    (problem,) = read("a: 1\n---\nb: 2\n").problems
    assert problem.where == "f.yaml:2:1"


CITED = """\
sources: {s: a book, t: a test}
plain: 1
one: 2 # [s]
block: # [t] all of it
  x: 3
  y: 4 # [s]
  z: {p: 5, q: 6}
both: 7 # [s, t] two of them
"""


@pytest.mark.parametrize(
    ("path", "sources"),
    [
        (("plain",), ()),
        (("one",), ("s: a book",)),
        (("block", "x"), ("t: a test",)),
        (("block", "y"), ("s: a book",)),
        (("block", "z", "q"), ("t: a test",)),
        (("both",), ("s: a book", "t: a test")),
    ],
)
def test_a_citation_holds_for_its_line_and_for_all_below_a_key(
    path: tuple[str, ...], sources: tuple[str, ...]
) -> None:
    assert read(CITED).places[path].sources == sources


def test_an_unknown_citation_is_an_error_with_the_nearest_key() -> None:
    assert complaints("sources: {book: x}\na: 1 # [bock]\n") == [
        "f.yaml:2:9: source 'bock' is cited but 'sources' does not have it (did you mean 'book'?)"
    ]


def test_text_that_looks_like_a_citation_is_not_one() -> None:
    document = read("a: |\n  text # [nobody]\n  more\n# [nobody]\nb: 'x # [nobody] y'\n")
    assert document.problems == []


def test_an_override_is_one_value() -> None:
    assert read_value("[1, 2]", "--set a") == ([1, 2], [])
    assert read_value("1 MiB", "--set a") == ("1 MiB", [])
    _value, problems = read_value("1\nother: 2", "--set a")
    assert [problem.where for problem in problems] == ["--set a"]


@given(st.text(alphabet="ab:#[]{},-&*!'\"\n 019%?|>@`\\\t\x00é", max_size=60))
def test_no_text_raises(text: str) -> None:
    read(text)

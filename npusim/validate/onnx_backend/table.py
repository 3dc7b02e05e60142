"""What the suite shows to be supported: operator x types x attributes, and what is refused why.

A row holds the attributes of all tests that passed with its operator and data types. A test lies in
a row if its attributes do. One in a row that is refused all the same is an exception of the row,
and stands under it with npusim's reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from npusim.validate.onnx_backend.suite import (
    DEVICE,
    DIFFERS,
    FAILED,
    PASSED,
    REFUSED,
    WRONG,
    Outcome,
)

STATUSES = (PASSED, REFUSED, DIFFERS, WRONG, FAILED, DEVICE)


@dataclass(frozen=True)
class Row:
    """An operator with data of certain types: what passed, and why what did not."""

    operator: str
    types: str
    attributes: tuple[str, ...]
    passed: int
    exceptions: Mapping[str, int]


@dataclass(frozen=True)
class Support:
    """The table, the counts of each part of the suite, and the reasons of what is outside.

    `counts` has category and status; `outside` the tests that do not pass and lie in no row, by
    reason;
    `composed` the passed tests of several operators, which are in no row either.
    """

    rows: tuple[Row, ...]
    counts: Mapping[tuple[str, str], int]
    outside: Mapping[str, int]
    composed: int

    def total(self, status: str) -> int:
        """Tests of that status, in all parts of the suite."""
        return sum(n for (_, found), n in self.counts.items() if found == status)


def support_of(outcomes: Iterable[Outcome]) -> Support:
    """The table of `outcomes`."""
    outcomes = list(outcomes)
    known: dict[tuple[str, str], set[str]] = {}
    passed: Counter[tuple[str, str]] = Counter()
    for each in outcomes:
        key = each.signature.operator, each.signature.types
        if each.status == PASSED and key[0]:
            known.setdefault(key, set()).update(each.signature.attributes)
            passed[key] += 1
    exceptions: dict[tuple[str, str], Counter[str]] = {key: Counter() for key in known}
    outside: Counter[str] = Counter()
    for each in outcomes:
        if each.status in (REFUSED, DIFFERS):
            key = each.signature.operator, each.signature.types
            inside = key in known and known[key].issuperset(each.signature.attributes)
            (exceptions[key] if inside else outside)[each.reason] += 1
    rows = tuple(
        Row(*key, tuple(sorted(known[key])), passed[key], dict(exceptions[key].most_common()))
        for key in sorted(known)
    )
    counts = Counter((each.category, each.status) for each in outcomes)
    composed = sum(each.status == PASSED and not each.signature.operator for each in outcomes)
    return Support(rows, counts, dict(outside.most_common()), composed)


def in_text(support: Support) -> str:
    """The table with its sums, for a terminal."""
    lines = ["operator, data types, attributes: tests passed"]
    for row in support.rows:
        attributes = f" [{', '.join(row.attributes)}]" if row.attributes else ""
        lines.append(f"{row.operator}  {row.types}{attributes}: {row.passed}")
        lines += [f"    but not {count}: {why}" for why, count in row.exceptions.items()]
    single = sum(row.passed for row in support.rows)
    lines.append(f"{single} tests of one operator pass, {support.composed} of several")
    lines += ["", "outside, in no row of the table: tests, reason"]
    lines += [f"{count:5}  {why}" for why, count in support.outside.items()]
    return "\n".join([*lines, "", *summary(support)])


def summary(support: Support) -> Sequence[str]:
    """One line for each part of the suite, and one for all of it."""
    shown = [status for status in STATUSES if status != DEVICE]
    width = max((len(category) for category, _ in support.counts), default=0)
    lines = [f"{'tests':<{width}}" + "".join(f"{status:>9}" for status in shown) + f"{'all':>9}"]
    for category in (*dict.fromkeys(category for category, _ in support.counts), ""):
        found = [
            support.counts.get((category, status), 0) if category else support.total(status)
            for status in shown
        ]
        numbers = "".join(f"{n:>9}" for n in (*found, sum(found)))
        lines.append(f"{category or 'all':<{width}}{numbers}")
    if support.total(DEVICE):
        lines.append(f"{support.total(DEVICE)} more are the same tests for another device (CUDA)")
    return lines


def to_dict(support: Support, outcomes: Iterable[Outcome]) -> dict[str, object]:
    """The table and every test, as a document."""
    return {
        "schema": "npusim.conformance/1",
        "rows": [
            {"operator": row.operator, "types": row.types, "attributes": list(row.attributes),
             "passed": row.passed, "exceptions": dict(row.exceptions)}
            for row in support.rows
        ],
        "counts": {status: support.total(status) for status in STATUSES},
        "tests": [
            {"name": each.name, "category": each.category, "status": each.status,
             "reason": each.reason}
            for each in outcomes
        ],
    }  # fmt: skip

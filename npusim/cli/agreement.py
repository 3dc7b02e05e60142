"""What `run --compare-to` found, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.report.summary import Column, printable, telling
from npusim.report.terminal import print_line, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.validate.agreement import Agreement, TensorAgreement


def print_agreement(found: Agreement, console: Console, most: int | None) -> None:
    """A verdict, and a row for each of the first `most` tensors that differ (None: all)."""
    from rich.text import Text

    console.print()
    many = f", {found.samples} samples" if found.samples > 1 else ""
    print_line(f"compared with {found.oracle}, profile {found.profile}{many}", "bold", console)
    wrong = [tensor for tensor in found.tensors if tensor.wrong]
    console.print(Text(_verdict(found, wrong)))
    if found.first is not None:
        console.print(Text(printable(_first(found.first))))
    print_table(_columns(wrong[:most]), console)
    if most is not None and len(wrong) > most:
        console.print(Text(f"and {len(wrong) - most} more tensors that differ", "dim"))


def _verdict(found: Agreement, wrong: list[TensorAgreement]) -> str:
    elements = sum(tensor.elements for tensor in found.tensors)
    seen = f"{len(found.tensors)} tensors, {elements:,} elements"
    hidden = f"; {found.unseen} more are not shown by the framework" if found.unseen else ""
    if not found.tensors:
        return f"nothing could be compared{hidden}"
    return (f"{len(wrong)} of {seen} differ" if wrong else f"equal: {seen}") + hidden


def _first(first: TensorAgreement) -> str:
    """How the first difference came about."""
    what = (
        f"first: '{first.name}' ({first.op}), {first.wrong:,} of {first.elements:,} elements, "
        f"by {first.largest:g} at most"
    )
    if not first.wrong_alone:
        return f"{what}; inherited: with the framework's own inputs this operator is equal"
    if first.explained_by:
        return f"{what}; explained by the arithmetic of {' or '.join(first.explained_by)}"
    if first.rounding:
        return f"{what}; float32 sums in another order explain as much"
    return f"{what}; no profile of npusim gives these values"


def _columns(wrong: list[TensorAgreement]) -> list[Column]:
    if not wrong:
        return []
    names = tuple(telling([printable(tensor.name) for tensor in wrong]))
    reasons = [_reason(tensor) for tensor in wrong]
    return [
        Column("tensor", names, 100, True),
        Column("op", tuple(tensor.op for tensor in wrong), 60, True),
        Column("wrong", tuple(f"{tensor.wrong:,}" for tensor in wrong), 90),
        Column("of", tuple(f"{tensor.elements:,}" for tensor in wrong), 50),
        Column("by at most", tuple(f"{tensor.largest:g}" for tensor in wrong), 80),
        Column("wrong alone", tuple(f"{tensor.wrong_alone:,}" for tensor in wrong), 70),
        Column("explained by", tuple(reasons), 75, True),
    ]


def _reason(tensor: TensorAgreement) -> str:
    if not tensor.wrong_alone:
        return "inherited"
    return " or ".join(tensor.explained_by) or ("float32 rounding" if tensor.rounding else "")

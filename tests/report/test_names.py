"""Names keep their beginning and their end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from npusim.report.names import shortened


@given(st.text(max_size=60), st.integers(1, 40), st.booleans())
def test_a_name_is_shortened_in_the_middle(name: str, width: int, ascii_only: bool) -> None:
    short = shortened(name, width, ascii_only)
    assert cell_len(short) <= width
    if cell_len(name) <= width:
        assert short == name
    elif width > 6:
        mark = "..." if ascii_only else "…"
        head, _, tail = short.partition(mark)
        assert mark in short and name.startswith(head) and name.endswith(tail)

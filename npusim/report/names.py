"""Names of layers, models and hardware in the room that there is."""

from __future__ import annotations

from rich.cells import cell_len

ACRONYMS = ("mac", "sram", "dram", "dma")


def shortened(name: str, width: int, ascii_only: bool = False) -> str:
    """`name` in at most `width` cells, an ellipsis before its last quarter: beginnings tell more.

    >>> shortened("conv_5/expand/BiasAdd", 13)
    'conv_5/ex…Add'
    """
    if cell_len(name) <= width:
        return name
    mark = "..." if ascii_only else "…"
    if width <= len(mark):
        return mark[:width]
    keep = width - len(mark)
    head, tail = name[: keep - keep // 4], name[len(name) - keep // 4 :]
    while cell_len(head) + cell_len(tail) > keep:
        head, tail = (head[:-1], tail) if cell_len(head) >= cell_len(tail) else (head, tail[1:])
    return head + mark + tail


def words(name: str) -> str:
    """A part's name as text.

    >>> words("dram_background")
    'DRAM background'
    """
    return " ".join(word.upper() if word in ACRONYMS else word for word in name.split("_"))

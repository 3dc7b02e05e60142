"""A built-in network: how to make its graph, and the published figures that it is held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from npusim.ir.graph import Graph


@dataclass(frozen=True)
class Published:
    """Multiply-accumulates and parameters that somebody else published, as they wrote them.

    `counts` says what is in them, and what this project's graph has otherwise.
    """

    macs: float
    parameters: float
    source: str
    counts: str


@dataclass(frozen=True)
class Network:
    """`build` makes the graph; `summary` is one line; `left_out` is what the graph does not have.

    `published` is None for a network that nobody else has.
    """

    name: str
    summary: str
    build: Callable[[], Graph]
    published: Published | None
    left_out: str = ""

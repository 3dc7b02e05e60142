"""A result that shows itself: as a document, as text, in a notebook."""

from __future__ import annotations

import html
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def finite(value: Any) -> Any:
    """A document's `value`, with null for numbers that JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Shown(ABC):
    """What results share that are a document (`to_dict`) and tables on a terminal (`print`)."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The document of `--json`; no number in it is infinite or none."""

    @abstractmethod
    def print(self, console: Console) -> None:
        """Print the tables."""

    def to_json(self) -> str:
        """`to_dict` as JSON text, indented, with a newline at its end."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def __str__(self) -> str:
        from npusim.report.terminal import as_text

        return as_text(self.print)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

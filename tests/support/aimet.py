"""The small network that aimet-onnx 2.42.0 quantized, with the files that it wrote for it.

`net.onnx` is the float network, `net_<version>.encodings` are AIMET's encodings of it, and
`net_qdq.onnx` is its own export in Q/DQ form (`QuantizationSimModel.to_onnx_qdq`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "frontend" / "aimet_files"
NET = FOLDER / "net.onnx"
QDQ = FOLDER / "net_qdq.onnx"
VERSIONS = ("0.6.1", "1.0.0", "2.0.0")

Edit = Callable[[dict[str, Any]], object]


def encodings(version: str) -> Path:
    """The file of a version."""
    return FOLDER / f"net_{version}.encodings"


def document(version: str) -> dict[str, Any]:
    """Its content."""
    return copy.deepcopy(json.loads(encodings(version).read_text()))


def edited(folder: Path, version: str, *edits: Edit) -> Path:
    """A copy of the file of a version with `edits` made to its content."""
    content = document(version)
    for edit in edits:
        edit(content)
    path = folder / "edited.encodings"
    path.write_text(json.dumps(content))
    return path


def entry(content: dict[str, Any], name: str) -> dict[str, Any]:
    """The entry of tensor `name` in a file of version 1 or 2."""
    groups = [v for k, v in content.items() if k.endswith("encodings")]
    found: dict[str, Any] = next(one for group in groups for one in group if one["name"] == name)
    return found


def ways_to_values(content: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values of a JSON document."""
    inside = content.items() if isinstance(content, dict) else enumerate(content)
    found = []
    for key, value in inside:
        found.append((*way, key))
        if isinstance(value, (dict, list)):
            found += ways_to_values(value, (*way, key))
    return found

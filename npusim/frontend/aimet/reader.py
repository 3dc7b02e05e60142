"""An AIMET encodings file: which version it is, and the encodings in it.

The file is JSON. Its versions 0.5 to 2.0 differ in their fields, not in what they can say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from npusim.errors import ModelFileError, Problem
from npusim.frontend.aimet import aligned, by_name, listed
from npusim.frontend.aimet.encoding import Encoding
from npusim.frontend.aimet.problems import problems_of, shown
from npusim.frontend.content import content_of

MAX_FILE_BYTES = 2**30
"""The scales of 10 million channels or blocks as text have less."""

VERSIONS: dict[str, Any] = {
    "0.5.0": by_name.File,
    "0.6.0": by_name.File,
    "0.6.1": by_name.File,
    "1.0.0": listed.File,
    "2.0.0": aligned.File,
    "2.1.0": aligned.File,
}


def read_encodings(path: str | Path) -> tuple[Encoding, ...]:
    """The encodings of the file at `path`.

    ModelFileError lists every mistake in it, by entry and field; UsageError if it can't be read.
    """
    path = Path(path)
    document = _parsed(content_of(path, MAX_FILE_BYTES, "an encodings file"), path)
    version = document.get("version")
    if not isinstance(version, str) or version not in VERSIONS:
        what = f"version {shown(version)} is not known; known: {', '.join(VERSIONS)}"
        raise ModelFileError(Problem(f"{path}: version", what))
    schema: type[BaseModel] = VERSIONS[version]
    try:
        file: Any = schema.model_validate(document)
    except ValidationError as error:
        raise ModelFileError(problems_of(error, document, path)) from None
    found = tuple(file.encodings(path))
    _check_names(found)
    return found


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(content, object_pairs_hook=_without_repetition)
    except RecursionError:
        raise ModelFileError(Problem(str(path), "is nested too deeply to be read")) from None
    except ValueError as error:
        raise ModelFileError(Problem(str(path), f"is not JSON: {error}")) from None
    if not isinstance(document, dict) or "version" not in document:
        what = "is not an AIMET encodings file: a JSON object with a 'version' is expected"
        raise ModelFileError(Problem(str(path), what))
    return document


def _without_repetition(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ValueError if a key is there twice, of which JSON would keep the last."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {shown(key)} is there twice")
        found[key] = value
    return found


def _check_names(encodings: Iterable[Encoding]) -> None:
    seen: dict[str, str] = {}
    problems = []
    for one in encodings:
        if one.name in seen:
            problems.append(Problem(one.where, f"'{one.name}' has another encoding already"))
        seen[one.name] = one.where
    if problems:
        raise ModelFileError(problems)

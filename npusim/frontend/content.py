"""The bytes of a model file: its size is checked before it is read."""

from __future__ import annotations

from pathlib import Path

from npusim.errors import ModelFileError, Problem, UsageError


def content_of(path: Path, most_bytes: int, kind: str) -> bytes:
    """All bytes of `path`, which should be `kind` ("an ONNX file").

    ModelFileError if it has more than `most_bytes`, UsageError if it can't be read.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes > most_bytes:
            what = f"{size_bytes} bytes are more than {kind} can have"
            raise ModelFileError(Problem(str(path), what))
        return path.read_bytes()
    except OSError as error:
        what = f"can't be read: {error.strerror or error}"
        raise UsageError(Problem(str(path), what)) from None

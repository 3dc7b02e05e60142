"""Where results go: stdout, or a regular file that a user named; never over anything else.

A destination is checked before the work begins, so that a run of minutes does not end in a path
that can't be written; files appear whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from npusim.errors import Problem, UsageError

STDOUT = "-"
MODEL_ENDINGS = (".onnx", ".tflite", ".yaml", ".yml")
"""A result with such a name is a slip: `--json MODEL` takes the model for the file to write."""
RESULTS = {"--dump-mapping": (".yaml", ".yml"), "--output": (".onnx",)}
"""Options whose results have such a name all the same."""
ENDINGS = {"--outputs": ".npz", "--output": ".onnx"}
"""Options whose results are read again by the name's ending."""


def check_destinations(asked: dict[str, str | None], sources: Iterable[str | None]) -> None:
    """Refuse, all at once, destinations that can't be written or that are read by this run.

    `asked` maps an option to its path (None where it was not given).
    """
    read = {_real(source) for source in sources if source}
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for option, target in asked.items():
        if target is None or target == STDOUT:
            continue
        reason = _reason_against(target, read, RESULTS.get(option, ()))
        ending = ENDINGS.get(option, "")
        if not reason and not target.lower().endswith(ending):
            reason = f"does not end in {ending}"
        real = _real(target)
        if not reason and real in seen:
            reason = f"is the file of {seen[real]} too"
        seen[real] = option
        if reason:
            problems.append(Problem(option, f"{target or repr(target)} {reason}"))
    if problems:
        raise UsageError(problems)


def _reason_against(target: str, read: set[str], allowed: Sequence[str]) -> str:
    """Why `target` can't be written; empty if it can. It may have an ending that is `allowed`."""
    path = Path(target)
    folder = path.parent
    if not target:
        return "is no name of a file"
    suffix = path.suffix.lower()
    if suffix in MODEL_ENDINGS and suffix not in allowed:
        return (
            f"has the name of an input ({path.suffix}): give the file to write, or '-' for stdout"
        )
    if _real(target) in read:
        return "is read by this command"
    if path.is_dir():
        return "is a directory"
    if path.exists() and not path.is_file():
        return "is not a regular file"
    if not folder.is_dir():
        return f"can't be written: there is no directory {folder}"
    if not os.access(path if path.exists() else folder, os.W_OK):
        return "can't be written: permission denied"
    if not os.access(folder, os.W_OK):
        return f"can't be written: no permission to create a file in {folder}"
    return ""


def _real(path: str) -> str:
    return os.path.realpath(path)

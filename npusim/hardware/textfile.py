"""The text of a file that a user names: its size is checked before it is read."""

from __future__ import annotations

from pathlib import Path

from npusim.errors import DescriptionError, Problem


def read_text(path: Path, where: str, most_bytes: int, kind: str) -> str:
    """The UTF-8 text of `path`, which should be `kind`; DescriptionError at `where` otherwise."""
    try:
        if path.is_dir():
            raise DescriptionError(Problem(where, f"{path} is a directory"))
        if not path.is_file():
            raise DescriptionError(Problem(where, f"there is no file {path}"))
        if path.stat().st_size > most_bytes:
            what = f"{path} has more than {most_bytes} bytes: not {kind}"
            raise DescriptionError(Problem(where, what))
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        what = f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}"
        raise DescriptionError(Problem(where, what)) from None
    except (OSError, ValueError) as error:
        raise DescriptionError(Problem(where, f"cannot read {path}: {error}")) from None

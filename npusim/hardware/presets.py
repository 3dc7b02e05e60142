"""Where the shipped descriptions are: in the installed package, or in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = (_PACKAGE / "hw_configs", _PACKAGE.parent / "hw_configs")


def preset_folder() -> Path:
    """The folder with the presets."""
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])


def preset_names() -> tuple[str, ...]:
    """The name of every preset, sorted; numbers in names by their value."""
    names = (path.stem for path in preset_folder().glob("*.yaml"))
    return tuple(sorted(names, key=lambda name: [_rank(part) for part in name.split("-")]))


def _rank(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdigit() else (0, part)


def preset_path(name: str) -> Path:
    """The file of the preset called `name`."""
    return preset_folder() / f"{name}.yaml"

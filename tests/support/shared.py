"""Where the development data lies, if it is there: models, measurements, accuracy sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[3] / "shared"


def shared_path(*parts: str) -> Path:
    """A path below the development data; skips the test where that is absent.

    The folder is `NPUSIM_SHARED`, or `shared` beside the repository.
    """
    path = Path(os.environ.get("NPUSIM_SHARED", _DEFAULT)).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"development data not here: {'/'.join(parts)} (set NPUSIM_SHARED)")
    return path

"""What an installation says of itself."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import numpy
import pytest

from npusim import __version__, jit
from npusim.doctor import environment as described
from npusim.doctor.environment import OPTIONAL, REQUIRED, environment
from npusim.kernels.table import kernels

TOP = Path(__file__).resolve().parents[2]
FOR_DEVELOPERS = ("bench", "dev", "torch")  # torch is for one notebook, bench for comparisons


def _project() -> dict[str, object]:
    return tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _names(requirements: list[str]) -> tuple[str, ...]:
    return tuple(re.split(r"[<>=\[]", text)[0] for text in requirements)


def test_every_extra_and_requirement_is_known() -> None:
    project = _project()
    extras = {
        extra: set(_names(wanted))
        for extra, wanted in project["optional-dependencies"].items()
        if extra not in FOR_DEVELOPERS
    }
    assert {extra: set(names) for extra, names in OPTIONAL.items()} == extras
    assert set(REQUIRED) == set(_names(project["dependencies"]))


def test_versions_are_those_that_run() -> None:
    found = environment()
    assert found.npusim == __version__
    assert found.versions["numpy"] == numpy.__version__
    assert found.python.endswith(".".join(map(str, sys.version_info[:3])))
    assert found.kernels == kernels().path
    assert (found.instructions is None) == (found.kernels != "c")


def test_a_missing_package_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described, "OPTIONAL", {"plot": ("no-such-package-as-this",)})
    (missing,) = environment().optional
    assert (missing.version, missing.extra) == (None, "plot")


def test_the_cache_need_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "cache_root", lambda: tmp_path / "later" / "numba")
    cache = environment().cache
    assert (cache.bytes, cache.writable) == (0, True)
    (tmp_path / "later").write_bytes(b"")
    monkeypatch.setattr(jit, "cache_root", lambda: tmp_path)
    (tmp_path / "code").write_bytes(bytes(100))
    assert environment().cache.bytes == 100

"""Machine code is kept per state of the sources: an edit anywhere below it makes it stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

numba = pytest.importorskip("numba")

INNER = "from npusim.jit import compiled\n\n@compiled\ndef inner(x):\n    return x + {add}\n"
OUTER = (
    "from npusim.jit import compiled\nfrom npusim.inner import inner\n\n"
    "@compiled\ndef outer(x):\n    return inner(x)\n\nprint(outer(1))\n"
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package called npusim with the real `jit.py` and nothing else."""
    import npusim.jit

    folder = tmp_path / "npusim"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "jit.py").write_text(Path(npusim.jit.__file__).read_text())
    (folder / "outer.py").write_text(OUTER)
    return folder


def run(package: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", "import npusim.outer"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd=package.parent
    )
    return done.stdout.strip()


def folders(package: Path, module: str) -> set[str]:
    return {path.name for path in (package / "__pycache__" / "numba" / module).iterdir()}


def test_an_edit_in_an_imported_module_is_seen(package: Path) -> None:
    (package / "inner.py").write_text(INNER.format(add=1))
    assert run(package) == "2"
    (package / "inner.py").write_text(INNER.format(add=20))
    assert run(package) == "21"


def test_unchanged_sources_use_the_cache_and_old_states_are_removed(package: Path) -> None:
    (package / "inner.py").write_text(INNER.format(add=1))
    run(package)
    first = folders(package, "npusim.outer")
    run(package)
    assert folders(package, "npusim.outer") == first and len(first) == 1
    (package / "inner.py").write_text(INNER.format(add=20))
    run(package)
    assert len(folders(package, "npusim.outer")) == 1
    assert folders(package, "npusim.outer") != first


def test_the_users_numba_settings_are_left_alone() -> None:
    import npusim.jit

    before = numba.config.CACHE_DIR
    npusim.jit.compiled(run)
    assert before == numba.config.CACHE_DIR

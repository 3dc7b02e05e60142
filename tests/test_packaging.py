"""Built packages: what is in them, and that they work where the sources are not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[1]
_NOT_SOURCES = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "build", "dist", "*.egg-info", "__pycache__", "*.so"
)


def _build(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Copy the sources to `folder` / sources and build packages into `folder`."""
    sources = folder / "sources"
    shutil.copytree(TOP, sources, ignore=_NOT_SOURCES)
    return subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, *options, sources],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution and a wheel that was built from it."""
    folder = tmp_path_factory.mktemp("packages")
    done = _build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_presets_models_and_kernels(packages: Path) -> None:
    names = _names(_wheel(packages))
    presets = {f"npusim/hw_configs/{path.name}" for path in (TOP / "hw_configs").glob("*.*")}
    bundled = TOP / "npusim" / "models" / "bundled"
    models = {f"npusim/models/bundled/{path.name}" for path in bundled.iterdir()}
    modules = {str(path.relative_to(TOP)) for path in (TOP / "npusim").rglob("*.py")}
    assert presets and models and modules
    assert presets | models | modules <= names
    assert any(name.startswith("npusim/kernels/_native") for name in names)
    assert "npusim/py.typed" in names


def test_the_wheel_carries_nothing_else(packages: Path) -> None:
    tops = {name.split("/")[0] for name in _names(_wheel(packages))}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"npusim"}


def test_the_source_distribution_carries_the_c_sources(packages: Path) -> None:
    (archive,) = packages.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.split("/", 1)[1] for name in opened.getnames() if "/" in name}
    sources = {str(path.relative_to(TOP)) for path in (TOP / "kernels").glob("*/*.[ch]")}
    assert sources | {"kernels/build.py", "setup.py", "LICENSE", "README.md"} <= names


def test_an_empty_environment_runs_the_installed_wheel(packages: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=elsewhere, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(programs / "python", "-m", "pip", "install", "--quiet", _wheel(packages))
    path = run(programs / "python", "-c", "import npusim; print(npusim.__file__)")
    assert str(tmp_path) in path
    default = "from npusim.kernels.table import kernels; print(kernels().path)"
    assert run(programs / "python", "-c", default).strip() == "c"
    assert "edge-npu-1" in run(programs / "npusim", "hw", "list")
    assert "accuracy" in run(programs / "npusim", "run").lower()


def test_without_c_the_wheel_is_pure_and_works(tmp_path: Path) -> None:
    done = _build(tmp_path, "--wheel", NPUSIM_NO_C="1")
    assert done.returncode == 0, done.stdout + done.stderr
    wheel = _wheel(tmp_path)
    assert wheel.name.endswith("py3-none-any.whl")
    assert not [name for name in _names(wheel) if "_native" in name]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "import numpy as np; from npusim.kernels.table import kernels; k = kernels();"
        "acc = np.zeros((1, 1, 1, 1, 2), np.int32);"
        "x = np.full((1, 1, 1, 1, 3), 2, np.int8); w = np.full((1, 2, 1, 1, 3), 3, np.int8);"
        "tile = (0, 1, 0, 1, 0, 2, 0, 3, 0, 1, 0, 1); zeros = np.zeros((1, 2), np.int32);"
        "k.get('conv_accumulate')(x, w, acc, tile, (1, 1, 1, 1, 0, 0), 0, zeros);"
        "print(k.path, *acc.ravel())"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-P", "-c", code]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["numba", "18", "18"], run.stderr


def test_a_compile_that_fails_fails_the_build(tmp_path: Path) -> None:
    done = _build(tmp_path, "--wheel", CC=shutil.which("false") or "no-such-compiler")
    assert done.returncode != 0
    assert not list(tmp_path.glob("*.whl"))

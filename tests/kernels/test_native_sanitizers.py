"""The C kernels under address and undefined-behaviour sanitizers, on the doctor's random cases.

Half of them on three threads, with layers divided however small they are.

They are compiled anew, into a copy of the package, and run in a process of their own: a read past
an array, a misaligned access or an overflowing shift ends it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from npusim.kernels.table import native_available

TOP = Path(__file__).resolve().parents[2]
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -g -O1"
BUILD = "import runpy; runpy.run_path('kernels/build.py')['ffibuilder'].compile('.')"
"""Without setup.py, whose pyproject.toml an old setuptools of the environment cannot read."""
CASES = 50
SCRIPT = f"""
from npusim.doctor import selfcheck
from npusim.kernels import _native, native, threads

native.divide_layers_from(1)
paths = [path for path in selfcheck._paths() if path != "numba"]
selfcheck._paths = lambda: paths
for seed in range(2):
    with threads.limited(1 + 2 * seed):
        checked = selfcheck.self_check(seed, cases={CASES})
    assert checked.agrees, [check for check in checked.checks if not check.agrees]
print(_native.__file__)
"""


def _address_sanitizer() -> Path:
    """The library of the compiler that builds extensions; skips if there is none."""
    compiler = os.environ.get("CC", "gcc")
    if shutil.which(compiler) is None:
        pytest.skip(f"no compiler {compiler}")
    asked = [compiler, "-print-file-name=libasan.so"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if not Path(found).is_absolute():
        pytest.skip(f"{compiler} has no address sanitizer")
    return Path(found)


def _sanitized_copy(folder: Path) -> None:
    """The package in `folder`, its kernels compiled with sanitizers."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.o")
    for part in ("npusim", "hw_configs", "kernels"):
        shutil.copytree(TOP / part, folder / part, ignore=ignored)
    command = [sys.executable, "-W", "ignore", "-c", BUILD]
    variables = {**os.environ, "CFLAGS": FLAGS, "LDFLAGS": "-fsanitize=address,undefined"}
    built = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")
def test_random_cases_read_and_write_inside_their_arrays(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    library = _address_sanitizer()
    _sanitized_copy(tmp_path)
    variables = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "LD_PRELOAD": str(library),
        "ASAN_OPTIONS": "detect_leaks=0",  # of the interpreter's own memory
    }
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    assert run.stdout.strip().startswith(str(tmp_path))

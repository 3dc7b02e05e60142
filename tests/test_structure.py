"""The budgets and rules of DESIGN.md that a machine can check."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
PACKAGE = sorted((TOP / "npusim").rglob("*.py"))
TESTS = sorted((TOP / "tests").rglob("*.py"))
C_FILES = sorted((TOP / "kernels").glob("*/*.[ch]"))
LINES_PER_PYTHON_FILE = 400
LINES_PER_C_FILE = 350
LINES_PER_FUNCTION_P95 = 40


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _too_long(paths: list[Path], limit: int) -> dict[str, int]:
    return {str(p.relative_to(TOP)): _lines(p) for p in paths if _lines(p) > limit}


def test_python_files_stay_readable() -> None:
    assert _too_long(PACKAGE + TESTS, LINES_PER_PYTHON_FILE) == {}


def test_c_files_stay_readable() -> None:
    assert _too_long(C_FILES, LINES_PER_C_FILE) == {}


def test_functions_are_short() -> None:
    lengths = []
    for path in PACKAGE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                lengths.append(node.end_lineno - node.lineno + 1)
    lengths.sort()
    assert lengths[len(lengths) * 95 // 100] <= LINES_PER_FUNCTION_P95


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(TOP))
        for path in PACKAGE
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_marker_of_unfinished_work() -> None:
    marker = re.compile(
        "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"])
    )
    marked = [
        str(path.relative_to(TOP))
        for path in [*PACKAGE, *TESTS, *C_FILES]
        if marker.search(path.read_text(encoding="utf-8"))
    ]
    assert marked == []


def test_no_upward_import() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run([command], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _modules_after(code: str) -> set[str]:
    report = f"import sys; {code}; print(*(name.split('.')[0] for name in sys.modules))"
    command = [sys.executable, "-c", report]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"numba", "matplotlib", "onnx", "onnxruntime", "tflite", "scipy", "pandas"}


def test_import_is_light() -> None:
    loaded = _modules_after("import npusim")
    assert "npusim" in loaded
    assert loaded & HEAVY == set()


def test_help_is_light() -> None:
    code = "from npusim.cli import main; main(['--help'], standalone_mode=False)"
    assert _modules_after(code) & HEAVY == set()


def _readme() -> str:
    return (TOP / "README.md").read_text(encoding="utf-8")


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    command = next(line for line in _readme().splitlines() if line.endswith("pytest -n auto"))
    assert f'bash -c "{command}"\n' in (TOP / ".ci" / "run").read_text(encoding="utf-8")


def test_the_package_has_the_version_of_its_metadata() -> None:
    from importlib import metadata

    import npusim

    try:
        installed = metadata.version("npusim")
    except metadata.PackageNotFoundError:
        pytest.skip("npusim is not installed, only on the path")
    assert installed == npusim.__version__


def test_continuous_integration_is_a_valid_script() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    assert subprocess.run([bash, "-n", TOP / ".ci" / "run"], check=False).returncode == 0

"""Runs the command line in this process, and says what a refusal must look like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from npusim.cli import main

TOP = Path(__file__).resolve().parents[2]


def npusim(*arguments: object) -> Result:
    """`npusim ARGUMENTS`, with stdout and stderr apart."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    """Stdout of a command that must succeed."""
    result = npusim(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def document(*arguments: object) -> dict[str, Any]:
    """The JSON that a command writes to stdout."""
    parsed: dict[str, Any] = json.loads(done(*arguments, "--json", "-"))
    return parsed


def refused(code: int, *arguments: object) -> str:
    """Stderr of a command that must fail with exit code `code`: a message and nothing else."""
    result = npusim(*arguments)
    assert result.exit_code == code, result.stderr or result.stdout
    assert result.stdout == ""
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr
    return result.stderr


def process(
    *arguments: object, environment: Mapping[str, str] | None = None, folder: Path = TOP
) -> subprocess.CompletedProcess[str]:
    """`npusim ARGUMENTS` in a process of its own, as a pipe sees it."""
    variables = {**os.environ, "PYTHONPATH": str(TOP), **(environment or {})}
    command = [sys.executable, "-m", "npusim", *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )

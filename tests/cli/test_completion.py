"""Completion: what click's protocol answers, for a script that bash can read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from npusim.cli import main
from npusim.cli.completion import SHELLS, VARIABLE
from npusim.hardware import preset_names
from npusim.numerics.profiles import PROFILES
from tests.support.commands import TOP, done, refused

HEAVY = ("numba", "onnx", "matplotlib", "PIL", "scipy")


def _environment(words: tuple[str, ...]) -> dict[str, str]:
    """What a shell tells the program, to complete the last of `npusim WORDS`."""
    line = " ".join(["npusim", *words])
    return {VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}


def _answer(*words: str) -> list[tuple[str, str]]:
    """(kind, value) of every completion of the last word of `npusim WORDS`."""
    answer = CliRunner(env=_environment(words)).invoke(main, [], prog_name="npusim")
    assert (answer.exit_code, answer.stderr) == (0, "")
    pairs = [line.partition(",")[::2] for line in answer.stdout.splitlines()]
    return [(kind, value) for kind, value in pairs]


def _names(*words: str) -> list[str]:
    return [value for kind, value in _answer(*words) if kind == "plain"]


def test_commands_and_options() -> None:
    assert {"run", "compare", "ops", "hw", "completion"} <= set(_names(""))
    assert "--plot-kind" in _names("run", "--pl")
    assert _names("run", "--plot-kind", "r") == ["roofline"]


def test_presets_and_descriptions() -> None:
    assert _names("run", "--hw", "edge-npu") == ["edge-npu-1", "edge-npu-1-mixed"]
    assert _names("compare", "digits", "--hw", "") == list(preset_names())
    assert ("file", "conf") in _answer("run", "--hw", "conf")


@pytest.mark.parametrize("command", ["run", "ops", "explain", "compare"])
def test_built_in_networks_and_model_files(command: str) -> None:
    assert "digits" in _names(command, "dig")
    assert ("file", "dig") in _answer(command, "dig")


def test_profiles() -> None:
    assert _names("run", "--requantize", "tf") == ["tflite-reference"]
    assert _names("run", "--requantize", "") == ["model", "hardware", *PROFILES]


@pytest.mark.parametrize("option", ["--inputs", "--labels", "--json", "--plot", "--mapping"])
def test_files(option: str) -> None:
    assert _answer("run", option, "some") == [("file", "some")]


@pytest.mark.parametrize(
    "words", [("run", "--hw", "e"), ("run", "r"), ("run", "--requantize", "o")]
)
def test_nothing_heavy_is_loaded(words: tuple[str, ...]) -> None:
    code = (
        "import sys\ntry:\n    from npusim.cli import main; main(prog_name='npusim')\n"
        f"finally:\n    assert not set({HEAVY!r}) & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(TOP), **_environment(words)}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "plain," in answer.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(shell: str) -> None:
    script = done("completion", shell)
    assert VARIABLE in script and f"{shell}_complete" in script


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_its_script(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    script = done("completion", shell)
    checked = subprocess.run([shell, "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0


def test_other_shells_are_refused() -> None:
    assert "'bash', 'zsh', 'fish'" in refused(2, "completion", "csh")
    assert "Missing argument" in refused(2, "completion")

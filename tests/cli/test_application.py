"""What becomes of everything that can go wrong: exit codes and messages, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result

from npusim import __version__
from npusim.cli.application import DEBUG, INTERRUPTED, READER_GONE, Application
from npusim.errors import DoesNotFitError, Problem, UnsupportedModelError, UsageError
from npusim.kernels.table import native_available
from tests.support.commands import TOP, done, process, refused


def _failing_with(error: BaseException) -> Result:
    def fail() -> None:
        raise error

    application = Application("npusim", commands={"go": click.Command("go", callback=fail)})
    return CliRunner().invoke(application, ["go"])


@pytest.mark.parametrize(
    ("kind", "code"), [(DoesNotFitError, 1), (UsageError, 2), (UnsupportedModelError, 3)]
)
def test_each_kind_of_error_has_its_exit_code(
    kind: Callable[..., BaseException], code: int
) -> None:
    result = _failing_with(kind([Problem("here", "one thing"), Problem("", "another")]))
    assert result.exit_code == code
    assert result.stderr == "error: here: one thing\nerror: another\n"
    assert result.stdout == ""


def test_our_bugs_ask_for_a_report_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEBUG, raising=False)
    result = _failing_with(ZeroDivisionError("division\nby zero"))
    assert result.exit_code == 70
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "report" in result.stderr and DEBUG in result.stderr


def test_our_bugs_show_their_traceback_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG, "1")
    result = _failing_with(ZeroDivisionError("division by zero"))
    assert result.exit_code == 70
    assert "Traceback" in result.stderr


def test_an_interrupt_is_no_traceback() -> None:
    result = _failing_with(KeyboardInterrupt())
    assert (result.exit_code, result.stderr.strip()) == (INTERRUPTED, "interrupted")


def test_a_lack_of_memory_is_no_bug_of_ours() -> None:
    result = _failing_with(MemoryError("Unable to allocate 3 TiB"))
    assert result.exit_code == 1
    assert result.stderr == (
        "error: this machine has not enough memory for it: Unable to allocate 3 TiB\n"
    )


def test_a_command_may_return_its_exit_code() -> None:
    application = Application("npusim", commands={"go": click.Command("go", callback=lambda: 3)})
    assert CliRunner().invoke(application, ["go"]).exit_code == 3


def test_version_names_the_active_kernels() -> None:
    path = "c" if native_available() else "numba"
    assert done("--version") == f"npusim {__version__} (kernels: {path})\n"


def test_an_unknown_command_or_option_is_a_usage_error() -> None:
    assert "simulate" in refused(2, "simulate")
    assert "--hw" in refused(2, "run", "--hww", "edge-npu-1")
    assert "latncy" in refused(2, "run", "--objective", "latncy")


@pytest.mark.parametrize("arguments", [("hw", "schema"), ("--help",), ("run", "--help")])
def test_a_reader_that_leaves_ends_the_command_quietly(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "npusim", *arguments]
    writer = subprocess.Popen(
        command, cwd=TOP, env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None and writer.stderr is not None
    writer.stdout.close()
    assert writer.stderr.read() == ""
    writer.stderr.close()
    assert writer.wait() == READER_GONE


def test_the_module_is_the_command() -> None:
    assert process("--version").stdout == done("--version")


def test_an_interrupted_process_says_so() -> None:
    command = [sys.executable, "-c", _SLEEPING]
    sleeper = subprocess.Popen(
        command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "ready\n"
    time.sleep(0.1)
    sleeper.send_signal(signal.SIGINT)
    _, complaint = sleeper.communicate(timeout=30)
    assert (sleeper.returncode, complaint.strip()) == (INTERRUPTED, "interrupted")


_SLEEPING = """
import signal, time, click
from npusim.cli.application import Application
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit "ignore"
def sleep():
    print("ready", flush=True)
    time.sleep(30)
Application("npusim", commands={"go": click.Command("go", callback=sleep)})(["go"])
"""


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_bug(closed: str) -> None:
    """As `>&-` in a shell leaves it: Python has no such stream then."""
    code = f"import sys; sys.{closed} = None; from npusim.cli import main; main(['hw', 'list'])"
    assert subprocess.run([sys.executable, "-c", code], cwd=TOP, check=False).returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device /dev/full")
def test_a_full_disk_is_no_bug_of_ours() -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "npusim", "hw", "list"], cwd=TOP, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr == "error: the output can't be written: No space left on device\n"


@pytest.mark.parametrize("group", [(), ("hw",), ("models",)])
def test_the_lists_of_commands_are_not_cut(group: tuple[str, ...]) -> None:
    listed = done(*group, "--help").partition("Commands:")[2]
    assert listed and "..." not in listed

"""The command `npusim`: its subcommands, and what becomes of everything that can go wrong.

Exit codes: 0 done; 1 the simulation says no; 2 usage or description error; 3 unsupported model;
70 our bug; 130 interrupted; 141 the reader of our output has gone away.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from npusim.cli.compare import compare
from npusim.cli.completion import completion
from npusim.cli.diff import diff
from npusim.cli.doctor import doctor
from npusim.cli.explain import explain
from npusim.cli.export import export
from npusim.cli.hw import hw
from npusim.cli.models import models
from npusim.cli.ops import ops
from npusim.cli.quantize import quantize
from npusim.cli.run import run
from npusim.cli.study import study
from npusim.cli.sweep import sweep
from npusim.cli.sweep_merge import sweep_merge
from npusim.cli.tune_precision import tune_precision
from npusim.errors import EXIT_BUG, EXIT_SIMULATION_SAYS_NO, EXIT_USAGE, NpusimError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
READER_GONE = 141  # 128 + SIGPIPE
DEBUG = "NPUSIM_DEBUG"
"""Environment variable: with any value but 0, our own bugs show their traceback."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What an output that takes no more bytes says."""


class ReaderGoneError(Exception):
    """The reader of our output has gone away. Click would end with 1 for a broken pipe."""


class Application(click.Group):
    """A group whose every failure is a message and an exit code, never a traceback."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """See `click.Command.make_context`, which prints help; a broken pipe is no other error."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:
            raise ReaderGoneError from None

    def invoke(self, context: click.Context) -> Any:
        """See `click.Group.invoke`; a broken pipe is told from other errors of the system."""
        try:
            result = super().invoke(context)
            sys.stdout.flush()
        except BrokenPipeError:
            raise ReaderGoneError from None
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """See `click.Command.main`; in standalone mode the exit codes of this module apply."""

        def invoke() -> Any:
            return super(Application, self).main(
                args, prog_name, complete_var, standalone_mode=False, **extra
            )

        return sys.exit(_exit_code(invoke)) if standalone_mode else invoke()


def _exit_code(invoke: Callable[[], Any]) -> int:
    """Run a command; print what went wrong on stderr and return the exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (`>&-`): what is said goes nowhere
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    try:
        code = invoke()
        return code if isinstance(code, int) else 0
    except NpusimError as error:
        for problem in error.problems:
            _complain(f"error: {problem}")
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return INTERRUPTED
    except MemoryError as error:
        _complain(f"error: this machine has not enough memory for it: {error}")
        return EXIT_SIMULATION_SAYS_NO
    except ReaderGoneError:
        _discard_output()
        return READER_GONE
    except OSError as error:
        if error.errno not in FULL:
            _complain_of_ourselves(error)
            return EXIT_BUG
        _discard_output()
        _complain(f"error: the output can't be written: {error.strerror}")
        return EXIT_USAGE
    except Exception as error:
        _complain_of_ourselves(error)
        return EXIT_BUG


def _discard_output() -> None:
    """Let what is still buffered go nowhere: Python would fail once more when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(text: str) -> None:
    click.echo(text, err=True)


def _complain_of_ourselves(error: Exception) -> None:
    if os.environ.get(DEBUG, "0") != "0":
        traceback.print_exception(error)
    summary = " ".join(str(error).split())
    _complain(
        f"npusim has a bug: {type(error).__name__}: {summary}; please report it with the command, "
        f"`npusim --version`, and the traceback that {DEBUG}=1 shows"
    )


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from npusim import __version__
    from npusim.kernels.table import native_available

    path = "c" if native_available() else "numba"
    click.echo(f"npusim {__version__} (kernels: {path})")
    context.exit()


@click.group(cls=Application, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and the active kernels.",
)
def main() -> None:
    """What a quantized network does on an NPU: its bits, its cycles by cause, its energy."""


for _command in (
    run, compare, sweep, sweep_merge, study, explain, quantize, tune_precision, export, diff, ops,
    hw, models, doctor, completion,
):  # fmt: skip
    main.add_command(_command)

"""What a user can get wrong, said once: where, what was found, what was expected.

Every mistake of a file is reported together. The command line turns these errors into the exit
codes of the contract; a library user catches `NpusimError`. Anything else that escapes is a bug of
ours (exit code 70).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EXIT_SIMULATION_SAYS_NO = 1
EXIT_USAGE = 2
EXIT_UNSUPPORTED_MODEL = 3
EXIT_BUG = 70


@dataclass(frozen=True)
class Problem:
    """One mistake: `where` (`file:line:column`, a node, an option), and `what` is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class NpusimError(Exception):
    """A mistake of the user, or a model that does not fit: one or more `Problem`s, an exit code."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        listed = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(listed)
        self.problems: tuple[Problem, ...] = listed

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(NpusimError):
    """A wrong option, file or array."""


class DescriptionError(NpusimError):
    """A mistake in a hardware or mapping file."""


class ModelFileError(NpusimError):
    """A model file that is damaged, unsafe or not what its name says."""


class UnsupportedModelError(NpusimError):
    """A sound model with operators, types or shapes that npusim does not support.

    `understood` are (name, operator) of the nodes that a reader did understand, `unchecked` those
    that it could not judge, because they need what an unsupported node computes.
    """

    exit_code = EXIT_UNSUPPORTED_MODEL

    def __init__(
        self,
        problems: Problem | Iterable[Problem],
        understood: Iterable[tuple[str, str]] = (),
        unchecked: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(problems)
        self.understood = tuple(understood)
        self.unchecked = tuple(unchecked)


class DoesNotFitError(NpusimError):
    """A sound model and a sound description that do not go together: a tile can't fit."""

    exit_code = EXIT_SIMULATION_SAYS_NO


def nearest_name(name: str, known: Sequence[str]) -> str:
    """` (did you mean 'x'?)` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def require_type(where: str, value: object, kinds: tuple[type, ...], expected: str) -> None:
    """TypeError at `where` if `value`, an argument from Python, is none of `kinds`."""
    if not isinstance(value, kinds):
        raise TypeError(f"{where}: expected {expected}, found {type(value).__name__}")

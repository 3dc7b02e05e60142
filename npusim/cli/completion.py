"""Completion in shells: the values of options and arguments, and the script that a shell reads.

Names are found without reading a model or a description. File names are left to the shell.
"""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class
from click.types import StringParamType

PROGRAM = "npusim"
VARIABLE = "_NPUSIM_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


class Completed(StringParamType):
    """Text that a shell completes with `names()` and, where `files` says so, with files."""

    files = True

    def names(self) -> Iterable[str]:
        """Every name that is known."""
        return ()

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """See `click.ParamType.shell_complete`."""
        found = [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]
        return [*found, CompletionItem(incomplete, type="file")] if self.files else found


class FileName(Completed):
    """A file to read or to write."""


class ModelName(Completed):
    """A model file or a built-in network."""

    def names(self) -> Iterable[str]:
        """The built-in networks."""
        from npusim.api import BUILT_IN

        return BUILT_IN


class NetworkName(ModelName):
    """A built-in network."""

    files = False


class HardwareName(Completed):
    """A preset or a description."""

    def names(self) -> Iterable[str]:
        """The presets."""
        from npusim.hardware.presets import preset_names

        return preset_names()


class ProfileName(Completed):
    """A requantization profile, or who chooses it."""

    files = False

    def names(self) -> Iterable[str]:
        """The profiles, and the two that name one."""
        from npusim.numerics.profiles import PROFILES

        return ("model", "hardware", *PROFILES)


FILE, MODEL, NETWORK = FileName(), ModelName(), NetworkName()
HARDWARE, PROFILE = HardwareName(), ProfileName()


@click.command(short_help="Completion for a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes npusim's commands, options and names in a shell.

    \b
    bash:  eval "$(npusim completion bash)"             in ~/.bashrc
    zsh:   eval "$(npusim completion zsh)"              in ~/.zshrc, after compinit
    fish:  npusim completion fish > ~/.config/fish/completions/npusim.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # Click brings these shells
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())

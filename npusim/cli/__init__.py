"""The command line. Each command is a file; nothing heavy is imported before a command runs."""

from __future__ import annotations

from npusim.cli.application import main

__all__ = ["main"]

"""The command line. Each command is a file; nothing heavy is imported before a command runs."""

from __future__ import annotations

import os

# Before numpy is imported: its matrix products run on as many threads as a layer may. More of them
# wait for each other by spinning, which costs small layers many times what they take.
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ.get("NPUSIM_THREADS", "1"))

from npusim.cli.application import main

__all__ = ["main"]

"""Worker processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from npusim.sweep.engine import Inline
from npusim.sweep.local import default_workers, open_pool
from tests.support.commands import TOP

SCRIPT = """\
import npusim
space = {"vary": {"clock": "100MHz:1GHz:+100MHz"}}
print(npusim.sweep(space, "mlperf-tiny-ad", workers=2).counts(), __name__, __file__)
"""


def test_one_worker_is_this_process() -> None:
    assert isinstance(open_pool(1), Inline)
    assert 1 <= default_workers() <= (os.cpu_count() or 1)


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    variables = {**os.environ, "PYTHONPATH": str(TOP)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert done.stdout == f"{{'ok': 10}} __main__ {script}\n", done.stderr

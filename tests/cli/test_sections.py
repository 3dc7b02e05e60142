"""The help of commands with many options."""

from __future__ import annotations

import re

from npusim.cli.run import run
from npusim.cli.sections import RUN
from tests.support.commands import document, done, refused


def test_each_option_of_run_stands_in_one_section() -> None:
    printed = done("run", "--help")
    titles = re.findall(r"^([A-Z]\w+):$", printed, re.MULTILINE)
    assert titles == [*RUN, "Options"]
    for option in (one for one in run.params if one.param_type_name == "option"):
        assert len(re.findall(rf"^ .*{option.opts[0]}\b(?![-\w])", printed, re.MULTILINE)) >= 1
        assert sum(option.opts[0] in names for names in RUN.values()) == 1
    rest = printed.partition("\nOptions:\n")[2]
    assert rest.strip() == "-h, --help  Show this message and exit."


def test_effort_is_asked_for_by_name() -> None:
    """Thorough is never worse, and what it is called is checked."""
    given = "run", "mlperf-tiny-kws", "--no-numerics"
    fast, thorough = (
        document(*given, "--effort", effort)["total"]["cycles"] for effort in ("fast", "thorough")
    )
    assert thorough <= fast
    assert "thorough" in refused(2, "run", "--effort", "deep")

"""`python -m npusim.validate.onnx_backend [PATTERN]`: run the suite, print the table of support."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from npusim.errors import NpusimError
from npusim.validate.onnx_backend.suite import FAILED, PASSED, WRONG, Outcome, run_suite
from npusim.validate.onnx_backend.table import in_text, summary, support_of, to_dict


@click.command()
@click.argument("pattern", required=False, default="")
@click.option("--kernels", help="Path of kernels: c, numba, reference. Default: the fastest.")
@click.option("--json", "json_to", type=click.Path(), help="Write every outcome to this file.")
@click.option("--summary", "briefly", is_flag=True, help="Print the sums only.")
@click.option("--tests", is_flag=True, help="Print every test that does not pass, with the reason.")
def main(pattern: str, kernels: str | None, json_to: str | None, briefly: bool, tests: bool) -> int:
    """The onnx package's backend test suite through npusim, or its tests with PATTERN in the name.

    Exit code 1 if the suite does not accept a result that npusim gives.
    """
    from npusim.report import write_atomically

    outcomes = run_suite(pattern, kernels)
    support = support_of(outcomes)
    if tests:
        click.echo("\n".join(_line(each) for each in outcomes if each.status != PASSED))
    click.echo("\n".join(summary(support)) if briefly else in_text(support))
    if json_to is not None:
        document = json.dumps(to_dict(support, outcomes), indent=1)
        write_atomically(Path(json_to), document + "\n")
    return 1 if support.total(WRONG) or support.total(FAILED) else 0


def _line(each: Outcome) -> str:
    return f"{each.status:<8}{each.name}: {each.reason}"


if __name__ == "__main__":
    try:
        sys.exit(main(standalone_mode=False))
    except (NpusimError, click.ClickException) as problem:
        sys.exit(f"error: {problem}")

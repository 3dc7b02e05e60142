"""Brings README.md up to date: outputs of its commands and examples, the list of operators.

    python scripts/update_readme.py

Blocks marked `console` hold commands after `$ ` with what they print; blocks marked `python` hold
doctest examples; the operators stand between `<!-- operators -->` and `<!-- end -->`, the built-in
networks on the presets between `<!-- networks -->` and `<!-- end -->`. Tests compare README.md with
what this script would write.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
README = TOP / "README.md"
WIDTH = 100
_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"(?<=^```python\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_TABLE = r"(?<=^<!-- {} -->\n).*?(?=^<!-- end -->$)"
_OPERATORS = re.compile(_TABLE.format("operators"), re.MULTILINE | re.DOTALL)
_NETWORKS = re.compile(_TABLE.format("networks"), re.MULTILINE | re.DOTALL)
NETWORKS = ("mlperf-tiny-kws", "mobilenet-v2", "resnet-50", "bert-base")
"""The built-in networks of the table."""


def updated(text: str) -> str:
    """README text `text` with every output as it is now, but for the table of networks."""
    text = _CONSOLE.sub(lambda match: _console(match.group()), text)
    text = _PYTHON.sub(lambda match: _examples(match.group()), text)
    return _OPERATORS.sub(lambda match: _operators(), text, count=1)


def with_networks(text: str) -> str:
    """README text `text` with the table of networks as it is now; this simulates all of them."""
    return _NETWORKS.sub(lambda match: _networks(), text, count=1)


def _console(block: str) -> str:
    """The block's commands, each followed by its output."""
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"$ {command}\n{_output(command)}" for command in commands)


def _output(command: str) -> str:
    """What `npusim ...` prints; the kernels that happen to be built are not part of it."""
    from click.testing import CliRunner

    from npusim.cli import main

    name, *arguments = shlex.split(command)
    if name != "npusim":
        raise SystemExit(f"README.md: a console block runs npusim only, not: {command}")
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": str(WIDTH), "NO_COLOR": "1"})
    if result.exit_code:
        raise SystemExit(f"README.md: {command}: exit code {result.exit_code}: {result.output}")
    printed = "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())
    return printed.replace("kernels numba", "kernels c")


def _examples(block: str) -> str:
    """The block's doctest examples, each followed by what it shows."""
    parts = []
    names: dict[str, object] = {}
    for piece in doctest.DocTestParser().parse(block):
        if isinstance(piece, str):
            parts.append(piece)
            continue
        first, *rest = piece.source.splitlines()
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            exec(compile(piece.source, str(README), "single"), names)
        lines = [f">>> {first}", *(f"... {line}" for line in rest), *shown.getvalue().splitlines()]
        parts.append("".join(f"{line.rstrip()}\n" for line in lines))
    return "".join(parts)


def _operators() -> str:
    """What the program lists as supported (`npusim ops`), as tables."""
    from npusim.frontend.catalogue import COMPOSED, ENTRIES
    from npusim.frontend.onnx.folding import FOLDS

    lines = ["| operator | TFLite | ONNX | attributes | data types |", "|---|---|---|---|---|"]
    for entry in ENTRIES:
        names = (", ".join(entry.names(framework)) for framework in ("tflite", "onnx"))
        tflite, onnx = (text.replace("com.microsoft.", "ms.") for text in names)
        limits = "; ".join(filter(None, (", ".join(entry.attributes), entry.note)))
        lines.append(f"| {entry.op.kind} | {tflite} | {onnx} | {limits} | {entry.data_types} |")
    lines += ["", "| made of others, or of nothing | |", "|---|---|"]
    for names_to_parts in COMPOSED.values():
        lines += [f"| {name} | {parts} |" for name, parts in names_to_parts.items()]
    folded = sorted({*FOLDS, "Constant", "Shape"})
    lines += [
        "",
        f"Computed while a file is read, where all inputs are known: {', '.join(folded)}.",
    ]
    return "\n".join(lines) + "\n"


def _networks() -> str:
    """Latency, energy and utilization of `NETWORKS` on every preset."""
    import npusim
    from npusim.hardware import preset_names
    from npusim.report.quantities import significant

    models = [npusim.load_model(name) for name in NETWORKS]
    lines = [f"| preset | {' | '.join(NETWORKS)} |", f"|---|{'---|' * len(NETWORKS)}"]
    for preset in preset_names():
        totals = [npusim.simulate(model, preset).total for model in models]
        cells = (
            f"{significant(1e3 * total.latency_s)} ms, {significant(1e3 * total.energy_j)} mJ, "
            f"{100 * total.utilization:.0f} %"
            for total in totals
        )
        lines.append(f"| {preset} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(TOP))
    README.write_text(with_networks(updated(README.read_text(encoding="utf-8"))), encoding="utf-8")

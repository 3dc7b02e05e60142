"""The README tells the truth: its commands print what it shows, its places and claims exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).resolve().parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")
DESIGN = (TOP / "DESIGN.md").read_text(encoding="utf-8")
_PATH = re.compile(r"`([\w.]+(?:/[\w.]*)+)`")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The module scripts/update_readme.py."""
    path = TOP / "scripts" / "update_readme.py"
    spec = importlib.util.spec_from_file_location("update_readme", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _section(text: str, title: str) -> str:
    """The rows of the first table below the words `title`."""
    rows = []
    for line in text[text.index(title) :].splitlines():
        if line.startswith("|"):
            rows.append(line)
        elif rows:
            break
    return "\n".join(rows)


def test_what_it_shows_is_what_is_printed(script: ModuleType) -> None:
    """If this fails, run `python scripts/update_readme.py` and look at the difference."""
    assert script.updated(README).splitlines() == README.splitlines()


@pytest.mark.slow
def test_its_networks_are_what_is_simulated(script: ModuleType) -> None:
    """If this fails, run `python scripts/update_readme.py` and look at the difference."""
    assert script.with_networks(README).splitlines() == README.splitlines()


def test_it_shows_the_commands() -> None:
    commands = re.findall(r"^\$ npusim (\w+)", README, re.MULTILINE)
    assert {"run", "compare", "ops", "hw"} <= set(commands)


def test_it_opens_with_two_command_lines() -> None:
    opening = README[: README.index("## What it is")]
    lines = re.findall(r"```sh\n(.*?)```", opening, re.DOTALL)
    assert [len(block.splitlines()) for block in lines] == [1, 1]
    assert lines[0].rstrip().endswith("npusim run")
    assert "pytest" in lines[1]


def test_one_look_is_enough_and_every_place_exists() -> None:
    table = _section(README, "One look must be enough")
    assert table.count("\n") >= 9
    places = _PATH.findall(table)
    assert [place for place in places if not (TOP / place).exists()] == []
    assert table == _section(DESIGN, "One look must be enough")


def test_every_claim_names_tests_that_exist() -> None:
    table = _section(README, "## Why to believe it")
    tests = re.findall(r"`pytest [^`]*?(tests/[\w/.]+)`", table)
    assert len(tests) == table.count("\n") - 1
    assert [test for test in tests if not (TOP / test).exists()] == []


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (TOP / link).exists()] == []


def test_every_path_of_the_design_exists() -> None:
    paths = [path for path in _PATH.findall(DESIGN) if "<" not in path]
    assert [path for path in paths if not (TOP / path).exists()] == []

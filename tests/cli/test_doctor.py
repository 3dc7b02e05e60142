"""`npusim doctor`: a sound installation ends with 0, a wrong kernel with 1 and its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from npusim.doctor import environment as described
from npusim.doctor import selfcheck
from npusim.doctor.selfcheck import KernelCheck, SelfCheck
from tests.support.commands import document, done, npusim, refused

SOUND = SelfCheck((KernelCheck("c", "requantize", 24, 0),), (), ("mean_onnx",))
WRONG = SelfCheck(
    (
        KernelCheck("c", "requantize", 24, 3),
        KernelCheck("numba", "requantize", 24, 24, "ValueError: out of order"),
    ),
    (("numba", "new_kernel"),),
    (),
)


def test_this_installation_is_sound() -> None:
    found = document("doctor")
    assert found["schema"] == "npusim.doctor/1"
    assert found["self_check"]["agrees"] is True
    assert found["self_check"]["unchecked"] == []
    assert {"npusim", "python", "versions", "optional", "kernels", "cache"} <= set(found)


def _finding(monkeypatch: pytest.MonkeyPatch, checked: SelfCheck) -> None:
    monkeypatch.setattr(selfcheck, "self_check", lambda progress=None: checked)


@pytest.mark.parametrize("columns", ["80", "160"])
def test_every_line_fits_and_says_what_it_found(
    monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    _finding(monkeypatch, SOUND)
    monkeypatch.setenv("COLUMNS", columns)
    lines = done("doctor").splitlines()
    assert max(map(len, lines)) <= int(columns)
    text = " ".join(" ".join(lines).split())
    assert "1 of 1 kernels equal the reference in 24 cases" in text
    assert "1 kernels have no other version: mean_onnx" in text


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    _finding(monkeypatch, SOUND)
    monkeypatch.setattr(described, "OPTIONAL", {"plot": ("no-such-package-as-this",)})
    assert "pip install 'npusim[plot]'" in done("doctor")


def test_a_wrong_kernel_is_named_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    _finding(monkeypatch, WRONG)
    result = npusim("doctor")
    assert result.exit_code == 1
    assert "DIFFERS" in result.stdout
    assert "requantize in c, 3 of 24 cases" in result.stdout
    assert "requantize in numba, 24 of 24 cases: ValueError: out of order" in result.stdout
    assert "new_kernel in numba" in result.stdout
    assert "Traceback" not in result.output


def test_json_may_go_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _finding(monkeypatch, WRONG)
    path = tmp_path / "doctor.json"
    result = npusim("doctor", "--json", path)
    assert result.exit_code == 1 and "DIFFERS" in result.stdout
    found = json.loads(path.read_text())["self_check"]
    assert found["agrees"] is False
    assert found["checks"][1]["error"] == "ValueError: out of order"


def test_mistakes_are_refused(tmp_path: Path) -> None:
    assert "no directory" in refused(2, "doctor", "--json", tmp_path / "absent" / "a.json")
    assert "--jsn" in refused(2, "doctor", "--jsn")
    assert "unexpected extra argument" in refused(2, "doctor", "digits")

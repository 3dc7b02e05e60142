"""The self-check: it covers every fast kernel, finds a wrong one, and says which."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from npusim.doctor import selfcheck
from npusim.doctor.selfcheck import PLAIN_C, self_check
from npusim.kernels import table as kernel_table
from npusim.kernels.table import Kernels, kernels, native_available

FEW = 4


def test_every_fast_kernel_is_checked_and_right() -> None:
    checked = self_check(cases=FEW)
    assert checked.agrees
    assert checked.unchecked == ()
    reference = kernels("reference").table
    for path in ("c", "numba") if native_available() else ("numba",):
        fast = {name for name, kernel in kernels(path).table.items() if kernel != reference[name]}
        assert {check.kernel for check in checked.checks if check.path == path} == fast
    assert set(checked.reference_only).isdisjoint(check.kernel for check in checked.checks)


def test_the_same_seed_draws_the_same_cases() -> None:
    first, second, other = (
        [run(kernels("reference")) for _, run in selfcheck._runs(seed, 2)] for seed in (1, 1, 2)
    )
    assert all(np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f")
               for pair in zip(first, second, strict=True))  # fmt: skip
    assert any(a.shape != b.shape for a, b in zip(first, other, strict=False))


def _with(monkeypatch: pytest.MonkeyPatch, name: str, kernel: Callable[..., Any]) -> None:
    """From now on the Numba path has `kernel` under `name`."""
    sound = kernels("numba")
    broken = dataclasses.replace(sound, table={**sound.table, name: kernel})
    reference = kernels("reference")

    def chosen(path: str | None = None) -> Kernels:
        return reference if path == "reference" else broken

    monkeypatch.setattr(selfcheck, "kernels", chosen)
    monkeypatch.setattr(selfcheck, "_paths", lambda: ["numba"])


def test_a_wrong_bit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = kernels("reference").get("max_pool_exact")

    def off_by_one(x: np.ndarray, out: np.ndarray, *others: Any) -> None:
        right(x, out, *others)
        if out.size:
            out.flat[0] ^= 1

    _with(monkeypatch, "max_pool_exact", off_by_one)
    checked = self_check(cases=12)
    assert not checked.agrees
    (wrong,) = [check for check in checked.checks if not check.agrees]
    assert (wrong.path, wrong.kernel, wrong.error) == ("numba", "max_pool_exact", None)
    assert 0 < wrong.differing <= wrong.cases == 12


def test_a_kernel_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("out of order")

    _with(monkeypatch, "requantize", fails)
    (wrong,) = [check for check in self_check(cases=2).checks if not check.agrees]
    assert (wrong.kernel, wrong.error) == ("requantize", "ValueError: out of order")


def test_a_kernel_without_a_case_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def new(*_: Any) -> None:
        raise AssertionError("nobody calls it")

    reference = kernels("reference")
    _with(monkeypatch, "unary_float32", new)
    assert "unary_float32" in reference.table
    checked = self_check(cases=1)
    assert checked.unchecked == (("numba", "unary_float32"),)
    assert not checked.agrees


@pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")
def test_plain_c_is_checked_too_and_left_as_it_was() -> None:
    from npusim.kernels.native import INSTRUCTION_SETS, instruction_set, limit_instructions

    usual = instruction_set()
    if usual == "generic":
        pytest.skip("this processor has nothing else")
    checked = self_check(cases=1)
    plain = {check.kernel for check in checked.checks if check.path == PLAIN_C}
    assert plain == set(selfcheck.INSTRUCTIONS)
    assert instruction_set() == usual
    limit_instructions("generic")
    assert instruction_set() == "generic"
    limit_instructions(INSTRUCTION_SETS[-1])


def test_without_c_kernels_numba_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_table, "native_available", lambda: False)
    monkeypatch.setattr(selfcheck, "native_available", lambda: False)
    assert {check.path for check in self_check(cases=1).checks} == {"numba"}

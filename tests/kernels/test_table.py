"""One table of kernels: every path is complete, and falls back to the reference."""

from __future__ import annotations

import pytest

from npusim.errors import UsageError
from npusim.kernels import table


def test_every_path_has_every_kernel_of_the_reference() -> None:
    reference = table.kernels("reference")
    for path in table.PATHS:
        if path == "c" and not table.native_available():
            continue
        assert set(table.kernels(path).table) == set(reference.table)


def test_an_unknown_path_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="known: c, numba, reference"):
        table.kernels("cuda")


def test_c_kernels_that_were_not_built_are_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "native_available", lambda: False)
    with pytest.raises(UsageError, match="NPUSIM_NO_C"):
        table.kernels.__wrapped__("c")
    assert table.kernels.__wrapped__().path == "numba"


def test_c_kernels_are_the_default_where_they_were_built() -> None:
    if not table.native_available():
        pytest.skip("installed with NPUSIM_NO_C=1")
    assert table.kernels().path == "c"


def test_an_unknown_kernel_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        table.kernels("reference").get("convolve_everything")

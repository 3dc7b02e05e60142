"""Model files are read whole, or refused with their name."""

from __future__ import annotations

from pathlib import Path

import pytest

from npusim.errors import ModelFileError, UsageError
from npusim.frontend.content import content_of


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"1234")
    assert content_of(tmp_path / "a.onnx", 4, "an ONNX file") == b"1234"


def test_a_larger_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"12345")
    with pytest.raises(ModelFileError, match=r"a\.onnx: 5 bytes are more than an ONNX file can"):
        content_of(tmp_path / "a.onnx", 4, "an ONNX file")


@pytest.mark.parametrize("name", ["missing.onnx", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        content_of(tmp_path / name, 4096 * 4096, "an ONNX file")

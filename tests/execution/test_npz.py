"""Arrays from files: what fits is taken, what does not is named, pickles are never loaded."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.execution.npz import npz_bytes, read_arrays, read_inputs
from npusim.report.types import TensorInfo

IMAGE = TensorInfo("image", (1, 4, 3, 1), "int8", 0.5, 3)
OTHER = TensorInfo("other", (1, 2), "float32", None, None)


def _stored(folder: Path, **arrays: np.ndarray) -> str:
    path = folder / "arrays.npz"
    np.savez(path, **arrays)
    return str(path)


def _images(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(np.int8)


def _refusal(path: str, *inputs: TensorInfo) -> str:
    with pytest.raises(UsageError) as caught:
        read_inputs(path, inputs)
    return str(caught.value)


def test_one_array_needs_no_name(tmp_path: Path) -> None:
    found = read_inputs(_stored(tmp_path, anything=_images(5, 4, 3, 1)), (IMAGE,))
    assert list(found) == ["image"]
    assert found["image"].shape == (5, 4, 3, 1)


def test_the_only_array_that_fits_is_meant(tmp_path: Path) -> None:
    path = _stored(tmp_path, x=_images(5, 4, 3), y=np.arange(5), name=np.array(["a"] * 5))
    assert read_inputs(path, (IMAGE,))["image"].shape == (5, 4, 3, 1)


def test_two_arrays_that_fit_need_a_name(tmp_path: Path) -> None:
    path = _stored(tmp_path, a=_images(1, 4, 3, 1), b=_images(1, 4, 3, 1))
    assert "'image': missing; the file has 'a', 'b'" in _refusal(path, IMAGE)


def test_wrong_shape_dtype_and_name_say_what_is_taken(tmp_path: Path) -> None:
    taken = "the model takes int8 (1, 4, 3, 1), scale 0.5, zero point 3"
    assert f"has shape (1, 3, 4, 1), {taken}" in _refusal(
        _stored(tmp_path, image=_images(1, 3, 4, 1)), IMAGE
    )
    wrong = _images(1, 4, 3, 1).astype(np.float64)
    message = _refusal(_stored(tmp_path, image=wrong), IMAGE)
    assert f"is float64 (1, 4, 3, 1), {taken}: round(x / scale) + zero point" in message
    path = _stored(tmp_path, image=_images(1, 4, 3, 1), othr=np.zeros((1, 2), np.float32))
    text = _refusal(path, IMAGE, OTHER)
    assert "'other': missing" in text
    assert "'othr': is not an input of the model" in text


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = _stored(tmp_path, image=np.array([{"run": "me"}], dtype=object))
    with pytest.raises(UsageError, match="never loaded"):
        read_arrays(path, "--inputs")


def test_declared_sizes_are_checked_before_memory_is_taken(tmp_path: Path) -> None:
    member = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
    np.lib.format.write_array_header_1_0(member, header)
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member.getvalue())
    with pytest.raises(UsageError, match="does not hold what it declares"):
        read_arrays(str(path), "--inputs")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"is not an \.npz file"):
        read_arrays(str(path), "--inputs")


def test_every_truncation_and_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    content = npz_bytes({"image": _images(2, 4, 3, 1)})
    path = tmp_path / "damaged.npz"
    rng = np.random.default_rng(0)
    for at in range(0, len(content), 3):
        path.write_bytes(content[:at])
        with pytest.raises(UsageError):
            read_arrays(str(path), "--inputs")
        flipped = bytearray(content)
        flipped[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(flipped))
        try:
            read_arrays(str(path), "--inputs")
        except UsageError as error:
            assert str(path) in str(error)


def test_missing_files_and_directories_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_arrays(str(tmp_path / "absent.npz"), "--inputs")
    with pytest.raises(UsageError, match="is a directory"):
        read_arrays(str(tmp_path), "--inputs")


def test_written_arrays_read_back_and_do_not_depend_on_the_clock(tmp_path: Path) -> None:
    arrays = {"StatefulPartitionedCall:0": _images(2, 3), "b": np.zeros((), np.float32)}
    path = tmp_path / "outputs.npz"
    path.write_bytes(npz_bytes(arrays))
    found = read_arrays(str(path), "--inputs")
    assert list(found) == list(arrays)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    with zipfile.ZipFile(path) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}

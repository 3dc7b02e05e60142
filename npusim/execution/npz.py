"""Arrays from and to `.npz` files.

Pickled objects are refused, and an array's declared size is compared with the file's before memory
is taken.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib import format as npy

from npusim.errors import Problem, UsageError

DAMAGED = (ValueError, EOFError, KeyError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""What zipfile and numpy raise on archives that are damaged, encrypted or hold anything else."""


class Expected(Protocol):
    """What an input of a model takes; see `npusim.report.types.TensorInfo`."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def scale(self) -> float | None: ...
    @property
    def zero_point(self) -> int | None: ...


def read_arrays(path: str, option: str) -> dict[str, np.ndarray]:
    """Every array of an `.npz` file by name; UsageError for anything that is not one."""
    where = f"{option} {path}"
    if Path(path).is_dir():
        raise UsageError(Problem(where, "is a directory, not an .npz file"))
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise UsageError(Problem(where, "no such file")) from None
    except OSError as error:
        what = f"can't be read: {error.strerror or error}"
        raise UsageError(Problem(where, what)) from None
    except DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        what = f"is not an .npz file of plain arrays: {reason}"
        raise UsageError(Problem(where, what)) from None


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """ValueError if a header promises an array that its member does not hold, or holds objects."""
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            raise ValueError(f"'{member.filename}' is not an array")
        with archive.open(member) as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(file)
            header_bytes = file.tell()
        if dtype.hasobject:
            raise ValueError(f"'{member.filename}' holds pickled objects, which are never loaded")
        size = dtype.itemsize
        for extent in shape:
            size *= extent
        if size != member.file_size - header_bytes:
            raise ValueError(f"'{member.filename}' of shape {shape} does not hold what it declares")


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An `.npz` file of `arrays`; the same arrays give the same bytes, whatever the clock says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)
    return buffer.getvalue()


def read_inputs(
    path: str, inputs: Sequence[Expected], option: str = "--inputs"
) -> dict[str, np.ndarray]:
    """The arrays of a file for a model's `inputs`, checked for names, shapes and dtypes.

    Each holds one inference or a whole number of them along axis 0; extents of 1 at the end of the
    model's shape may be missing. For a model with one input, a file with one array, or with one
    array that fits, needs no name. UsageError lists every mismatch.
    """
    stored = read_arrays(path, option)
    named = {info.name: stored[info.name] for info in inputs if info.name in stored}
    if len(inputs) == 1 and not named:
        arrays = list(stored.values())
        fitting = [array for array in arrays if not _mismatch(inputs[0], array)]
        shaped = [array for array in arrays if _shape_fits(inputs[0], array)]
        for meant in (fitting, shaped, arrays):
            if len(meant) == 1 and not named:
                named = {inputs[0].name: meant[0]}
    problems = []
    for info in inputs:
        where = f"{option} {path}: '{info.name}'"
        if info.name not in named:
            found = ", ".join(f"'{name}'" for name in stored) or "no array"
            problems.append(Problem(where, f"missing; the file has {found}, {_expected(info)}"))
        elif reason := _mismatch(info, named[info.name]):
            how = ": round(x / scale) + zero point"
            hint = how if info.scale and named[info.name].dtype.kind == "f" else ""
            problems.append(Problem(where, f"{reason}, {_expected(info)}{hint}"))
    known = {info.name for info in inputs}
    if len(inputs) > 1:
        problems += [
            Problem(f"{option} {path}: '{name}'", "is not an input of the model")
            for name in stored
            if name not in known
        ]
    if problems:
        raise UsageError(problems)
    return {info.name: _rows(named[info.name], info.shape) for info in inputs}


def _mismatch(info: Expected, array: np.ndarray) -> str:
    """How an array differs from what an input takes; empty if it fits."""
    if array.dtype != np.dtype(info.dtype):
        return f"is {array.dtype} {array.shape}"
    return "" if _shape_fits(info, array) else f"has shape {array.shape}"


def _shape_fits(info: Expected, array: np.ndarray) -> bool:
    """True for the shape of an input, or for a whole number of them along axis 0."""
    row = _row_shape(info.shape, array.ndim)
    fits = (
        row is not None
        and array.shape[1:] == row
        and array.shape[0] > 0
        and array.shape[0] % info.shape[0] == 0
    )
    return fits or array.shape == info.shape


def _row_shape(shape: tuple[int, ...], rank: int) -> tuple[int, ...] | None:
    """Extents of one row for an array of `rank` axes: 1s at the end may be missing."""
    row = shape[1:]
    while len(row) > rank - 1 and row and row[-1] == 1:
        row = row[:-1]
    return row if shape and len(row) == rank - 1 else None


def _rows(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return array.reshape(array.shape[:1] + shape[1:]) if shape else array


def _expected(info: Expected) -> str:
    scale = f", scale {info.scale:.6g}, zero point {info.zero_point}" if info.scale else ""
    return f"the model takes {info.dtype} {info.shape}{scale}"

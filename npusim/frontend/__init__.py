"""Model files to graphs; which reader is decided by the file's content, then by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from npusim.errors import Problem, UsageError
from npusim.ir.graph import Graph

SUFFIXES = (".tflite", ".onnx", ".csv")


def load_model(
    path: str | Path,
    *,
    batch: int | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    encodings: str | Path | None = None,
    partial_encodings: bool = False,
) -> Graph:
    """Read a .tflite, .onnx or .csv (layer table) file.

    `shapes` (input name to shape) fixes what a .tflite or .onnx model leaves open, `batch` the
    open batch of an ONNX model; a layer table leaves nothing open. `encodings` is an AIMET file
    that quantizes a float ONNX model; `partial_encodings` lets tensors that it leaves out be
    float32.
    """
    path = Path(path)
    kind = _kind(path)
    if encodings is not None:
        if kind != ".onnx":
            what = f"{path.name} is no ONNX model; AIMET's encodings name the tensors of one"
            raise UsageError(Problem("--encodings", what))
        from npusim.frontend.aimet import read_with_encodings

        return read_with_encodings(
            path, encodings, partial=partial_encodings, batch=batch, shapes=shapes
        )
    if kind == ".onnx":
        from npusim.frontend.onnx import read_onnx

        return read_onnx(path, batch=batch, shapes=shapes)
    if kind == ".tflite" and batch is None:
        from npusim.frontend.tflite import read_tflite

        return read_tflite(path, shapes)
    if batch is not None or shapes:
        what = f"{path.name} states its shapes; only a .tflite or .onnx model can leave some open"
        raise UsageError(Problem("--shape" if shapes else "--batch", what))
    from npusim.frontend.layer_table import read_layer_table

    return read_layer_table(path)


def _kind(path: Path) -> str:
    """ ".tflite", ".onnx" or ".csv"."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        what = f"can't be read: {error.strerror or error}"
        raise UsageError(Problem(str(path), what)) from None
    if head[4:8] == b"TFL3":
        return ".tflite"
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return suffix
    known = ", ".join(SUFFIXES)
    raise UsageError(Problem(str(path), f"not a model file that is known ({known})"))

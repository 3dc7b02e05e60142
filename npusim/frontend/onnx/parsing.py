"""The protobuf message of an .onnx file, with the checks that nothing else of it can be read."""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import ModelProto

from npusim.errors import ModelFileError, Problem
from npusim.frontend.onnx.names import require_text


def parse_model(content: bytes, path: Path) -> ModelProto:
    """The message in `content`; ModelFileError naming `path` if it holds no ONNX graph."""
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, ValueError, RuntimeError):
        what = "is not an ONNX file, or a truncated one"
        raise ModelFileError(Problem(str(path), what)) from None
    if not model.HasField("graph") or not model.graph.output:
        raise ModelFileError(Problem(str(path), "is not an ONNX file: no graph with outputs in it"))
    require_text(model, path)
    return model

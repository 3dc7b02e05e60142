"""AIMET encodings: scales and offsets of a float ONNX model's tensors, in a file of their own."""

from __future__ import annotations

from npusim.frontend.aimet.application import read_with_encodings
from npusim.frontend.aimet.reader import read_encodings

__all__ = ["read_encodings", "read_with_encodings"]

"""ONNX files to graphs: QDQ and QOperator models to execute, float models to count."""

from __future__ import annotations

from npusim.frontend.onnx.reader import read_onnx, read_onnx_bytes

__all__ = ["read_onnx", "read_onnx_bytes"]

"""A Graph written as an ONNX model in Q/DQ form, which ONNX Runtime runs."""

from __future__ import annotations

from npusim.frontend.onnx_writer.writer import onnx_model

__all__ = ["onnx_model"]

"""TensorFlow Lite models: the file's tables, checked, then the graph."""

from __future__ import annotations

from npusim.frontend.tflite.reader import read_tflite

__all__ = ["read_tflite"]

"""npusim as an ONNX backend, and what the onnx package's own backend test suite says of it.

`python -m npusim.validate.onnx_backend` runs the suite and prints what is supported.
"""

from __future__ import annotations

from npusim.validate.onnx_backend.backend import NpusimBackend, NpusimRep

__all__ = ["NpusimBackend", "NpusimRep"]

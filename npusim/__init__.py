"""npusim: what a quantized network does on an NPU: its bits, its cycles by cause, its energy.

The functions of the public interface are loaded at their first use, so that `import npusim` costs
neither Numba nor ONNX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npusim.api import compare, execute, export_onnx, load_hardware, load_model, simulate, trace
    from npusim.quantize.post_training import quantize
    from npusim.sweep.run import sweep

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "compare",
    "execute",
    "export_onnx",
    "load_hardware",
    "load_model",
    "quantize",
    "simulate",
    "sweep",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name in ("quantize", "sweep"):  # packages that are called
        from importlib import import_module

        return import_module(f"npusim.{name}")
    if name in __all__:
        from npusim import api

        return getattr(api, name)
    raise AttributeError(f"module 'npusim' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))

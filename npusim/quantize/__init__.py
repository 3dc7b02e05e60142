"""Quantization: a float model and samples in, a quantized Graph and a report out; what precisions
cost and what they buy.

`quantize` does it all. Who tries many schemes calibrates once (`calibrate`), makes graphs
(`quantized_graph`), and judges them by one float run (`Reference`). As with `npusim.sweep`, this
package is called as its function. Names are loaded at their first use.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npusim.quantize.calibration import Calibration, calibrate
    from npusim.quantize.judging import Reference
    from npusim.quantize.post_training import Quantized, prepared, quantize, written
    from npusim.quantize.quantized import layers_of, quantized_graph
    from npusim.quantize.ranges import RANGES
    from npusim.quantize.report import QuantizationReport
    from npusim.quantize.scheme import (
        SCHEMES,
        Activations,
        LayerFormats,
        Scheme,
        Weights,
        scheme_named,
    )

_HOMES = {
    "RANGES": "ranges", "SCHEMES": "scheme", "Activations": "scheme", "Calibration": "calibration",
    "LayerFormats": "scheme", "QuantizationReport": "report", "Quantized": "post_training",
    "Reference": "judging", "Scheme": "scheme", "Weights": "scheme", "calibrate": "calibration",
    "layers_of": "quantized", "prepared": "post_training", "quantize": "post_training",
    "quantized_graph": "quantized", "scheme_named": "scheme", "written": "post_training",
}  # fmt: skip
"""The module of each public name."""

__all__ = [
    "RANGES",
    "SCHEMES",
    "Activations",
    "Calibration",
    "LayerFormats",
    "QuantizationReport",
    "Quantized",
    "Reference",
    "Scheme",
    "Weights",
    "calibrate",
    "layers_of",
    "prepared",
    "quantize",
    "quantized_graph",
    "scheme_named",
    "written",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


class _Callable(ModuleType):
    """A package that is called as its function `quantize`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from npusim.quantize.post_training import quantize

        return quantize(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

"""npusim behind `onnx.backend.base.Backend`: a model is scheduled on a hardware and executed there.

Values of parameters come with the first inputs, so a model is read anew for each `run`; see
`parameters.py` for which inputs become constants. What npusim refuses raises its own error, which
says why; nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto
from onnx.backend.base import Backend, BackendRep, Device, DeviceType

from npusim import api
from npusim.errors import DoesNotFitError, Problem, UnsupportedModelError, UsageError
from npusim.execution.arrays import OTHER_DTYPES
from npusim.frontend.onnx import read_onnx_bytes
from npusim.hardware.presets import preset_names
from npusim.hardware.schema import Hardware
from npusim.numerics.formats import Format
from npusim.schedule.program import Program
from npusim.validate.onnx_backend.parameters import data_inputs, parameters, with_constants

DEFAULT_HARDWARE = "edge-npu-1"
PROFILE = "onnx"


class NpusimRep(BackendRep):
    """A model with the hardware that runs it."""

    def __init__(self, model: ModelProto, hardware: str, kernels: str | None) -> None:
        self._model = model
        self._hardware = hardware
        self._kernels = kernels

    def run(self, inputs: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
        """Outputs in the model's order for `inputs`: a mapping by name, or in the model's order.

        Raises npusim's errors for what it does not support or what does not fit.
        """
        named = self._named(inputs)
        constants = {
            name: named[name]
            for name in parameters(self._model)
            if isinstance(named.get(name), np.ndarray | np.generic)
        }
        fixed = with_constants(self._model, constants)
        program = self.program(fixed, {name: named[name] for name in data_inputs(fixed)})
        data = {name: named[name] for name in program.graph.inputs}
        found = api.infer(program, data, PROFILE, self._kernels)
        names = [output.name for output in self._model.graph.output]
        return tuple(_as_onnx(found[name], program.graph.tensors[name].format) for name in names)

    def program(self, model: ModelProto, data: Mapping[str, Any]) -> Program:
        """The schedule of `model`, whose open shapes are those of `data`."""
        shapes = {name: each.shape for name, each in data.items() if isinstance(each, np.ndarray)}
        content = model.SerializeToString()
        graph = read_onnx_bytes(content, Path("model.onnx"), shapes=_without_scalars(shapes))
        try:
            return api.schedule(api.Model(graph), _hardware(self._hardware))
        except DoesNotFitError:
            return api.schedule(api.Model(graph), _hardware(roomiest_hardware()))

    def _named(self, inputs: Any) -> dict[str, Any]:
        if isinstance(inputs, Mapping):
            return dict(inputs)
        given = list(inputs) if isinstance(inputs, Sequence) else [inputs]
        names = [each.name for each in self._model.graph.input]
        if len(given) != len(names):
            names = data_inputs(self._model)
        if len(given) != len(names):
            what = f"{len(given)} arrays for {len(names)} inputs"
            raise UsageError(Problem("inputs", what))
        return dict(zip(names, given, strict=True))


class NpusimBackend(Backend):
    """npusim for tools that drive an ONNX backend."""

    @classmethod
    def prepare(
        cls, model: ModelProto, device: str = "CPU", hardware: str = DEFAULT_HARDWARE,
        kernels: str | None = None, **kwargs: Any,
    ) -> NpusimRep:  # fmt: skip
        """`model` on `hardware`: a preset or a file. `kernels` is a path of kernels, as in `infer`.

        Where the model does not fit that hardware, the preset with most on-chip memory is taken.
        """
        if not cls.supports_device(device):
            what = f"npusim runs on the processor, '{device}' is none"
            raise UnsupportedModelError(Problem("device", what))
        return NpusimRep(model, hardware, kernels)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """True for the processor."""
        return bool(Device(device).type == DeviceType.CPU)


def _as_onnx(array: np.ndarray, fmt: Format) -> np.ndarray:
    """An output in the type that the onnx package has for its format."""
    if fmt.name not in OTHER_DTYPES:
        return array
    import ml_dtypes

    dtype = np.dtype(getattr(ml_dtypes, OTHER_DTYPES[fmt.name]))
    return array.view(dtype) if fmt.holds_codes else array.astype(dtype)


def _without_scalars(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]] | None:
    """Shapes that a file can leave open: a scalar has no extents."""
    return {name: shape for name, shape in shapes.items() if shape} or None


@cache
def _hardware(name: str) -> Hardware:
    return api.load_hardware(name)


@cache
def roomiest_hardware() -> str:
    """The preset with the largest on-chip memory."""
    return max(preset_names(), key=lambda name: _hardware(name).memory.sram.size_bytes)

"""The public interface: read a model and a hardware, count what it costs, compute what it gives.

Counting and executing start from the same Program; `execute` returns the outputs and the report of
one. What counts cycles imports Numba, so it is imported when the first Program is built.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from npusim.errors import Problem, UsageError, nearest_name, require_type
from npusim.execution.drawn import random_inputs as random_inputs
from npusim.execution.inferences import inferences as inferences
from npusim.execution.profile_choice import choose_profile as choose_profile
from npusim.ir.graph import Graph
from npusim.models.catalog import NAMES as NETWORK_NAMES
from npusim.models.catalog import network

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware
    from npusim.report.report import Report
    from npusim.report.side_by_side import Comparison
    from npusim.report.totals import Totals
    from npusim.report.types import TensorInfo
    from npusim.schedule.program import Program

StrPath = str | os.PathLike[str]
Arrays = Mapping[str, np.ndarray]
Progress = Callable[[int, int], None]
"""Told after each inference: how many are done, of how many."""

BUILT_IN = ("digits", "digits-float", *NETWORK_NAMES)
"""Models that npusim ships: a trained one, int8 and float32, and networks of synthetic weights."""

EFFORTS = ("fast", "thorough")
"""How hard a schedule is searched for."""


@dataclass(frozen=True, eq=False)
class Model:
    """A model file, read; it can be pickled. `graph` is what npusim works on.

    Inputs and outputs have a name, shape, dtype, and where quantized a scale and zero point:
    real = scale * (q - zero_point).
    """

    graph: Graph

    @property
    def name(self) -> str:
        """Name of the file, without its ending."""
        return self.graph.name

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The arrays that the model takes."""
        return _infos(self.graph, self.graph.inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The arrays that the model gives."""
        return _infos(self.graph, self.graph.outputs)

    def __repr__(self) -> str:
        return f"<Model {self.name}: {len(self.graph.nodes)} operators>"


@dataclass(frozen=True, eq=False)
class Result:
    """`outputs`: arrays by name, as the model file names and types them; `report`: their cost.

    `state` holds what a model that remembers would start its next inference from, by name.
    """

    outputs: dict[str, np.ndarray]
    report: Report
    state: dict[str, np.ndarray] = field(default_factory=dict)


def load_model(
    path_or_name: StrPath,
    shapes: Mapping[str, Sequence[int]] | None = None,
    encodings: StrPath | None = None,
    partial_encodings: bool = False,
) -> Model:
    """The model of a `.tflite`, `.onnx` or layer-table `.csv` file, or a built-in one by name.

    `shapes` fixes dynamic inputs: name to extents. `encodings` is an AIMET file that quantizes a
    float ONNX model; tensors that it leaves out are an error, unless `partial_encodings` lets them
    stay float32.
    """
    from npusim import frontend

    path = model_path(path_or_name)
    require_type("shapes", shapes, (Mapping, NoneType), "a mapping of names to extents")
    for extents in (shapes or {}).values():
        require_type("shapes", extents, (Sequence,), "a sequence of extents")
    given = {name: tuple(extents) for name, extents in (shapes or {}).items()}
    require_type("encodings", encodings, (str, os.PathLike, NoneType), "a path")
    if path_or_name in NETWORK_NAMES and not path.exists() and not (given or encodings):
        return Model(network(str(path_or_name)).build())
    if given and path.suffix.lower() not in (".onnx", ".tflite"):
        what = f"only .onnx and .tflite files leave shapes open; those of {path.name} are fixed"
        raise UsageError(Problem("--shape", what))
    file = None if encodings is None else Path(encodings)
    return Model(
        frontend.load_model(
            path, shapes=given or None, encodings=file, partial_encodings=partial_encodings
        )
    )


def export_onnx(model: Model | StrPath, path: StrPath) -> None:
    """Write `model`, whatever it was read from, to `path` as an ONNX model in Q/DQ form.

    On 8 bits ONNX Runtime computes from it what `execute` does under the profile `onnx`. Nothing is
    written if an operator has no such form: UnsupportedModelError names them all.
    """
    from npusim.frontend.onnx_writer import onnx_model
    from npusim.report.files import write_atomically

    require_type("path", path, (str, os.PathLike), "a path")
    write_atomically(path, onnx_model(_as_model(model).graph).SerializeToString())


def load_hardware(
    name_or_path: StrPath, overrides: Mapping[str, object] | Sequence[str] | None = None
) -> Hardware:
    """The hardware of a preset's name or a `.yaml` path.

    `overrides` replaces fields: {"memory.sram.size": "1 MiB"}, or ["mac_array.rows=64"].
    """
    from npusim import hardware

    require_type("hw", name_or_path, (str, os.PathLike), "a preset's name or a path")
    given = () if overrides is None else overrides
    if isinstance(given, str):
        given = (given,)
    require_type("overrides", given, (Mapping, Sequence), "a mapping or a list of PATH=VALUE texts")
    for path in given:
        require_type("overrides", path, (str,), "names of fields as text")
    return hardware.load_hardware(name_or_path, given)


def schedule(
    model: Model | StrPath,
    hw: Hardware | StrPath,
    batch: int | None = None,
    objective: str = "latency",
    mapping: StrPath | None = None,
    assume: str | None = None,
    effort: str = "fast",
) -> Program:
    """The tiled schedule of `model` on `hw`: what counting and executing both start from.

    `objective` is `latency`, `energy` or `edp`. `batch` None keeps the model's own. `mapping` is a
    file that fixes a part of the schedule, or all of it. `assume` counts a float model as if its
    tensors had that number format (`int8`, `fp16`, `int8*int4`); it can't be executed then.
    `effort` is `fast`, or `thorough`: then the next best tilings of the layers that cost most are
    tried in the whole network too, which takes about ten times as long.
    """
    from npusim.energy.objective import judge_of, objective_weights
    from npusim.ir.passes.set_batch import with_batch
    from npusim.schedule.assumed import in_format
    from npusim.schedule.mapping import read_mapping
    from npusim.schedule.scheduler import build_program

    require_type("batch", batch, (Integral, NoneType), "a whole number")
    require_type("objective", objective, (str,), "latency, energy or edp")
    if effort not in EFFORTS:
        hint = nearest_name(str(effort), EFFORTS)
        what = f"unknown effort {effort!r}{hint}: {', '.join(EFFORTS)}"
        raise UsageError(Problem("effort", what))
    graph, hardware = _as_model(model).graph, _as_hardware(hw)
    weights, judge = objective_weights(hardware, objective), judge_of(objective)
    graph = in_format(graph, hardware, assume)
    if batch is not None:
        graph = with_batch(graph, batch)
    fixed = None if mapping is None else read_mapping(mapping, graph, hardware)
    return build_program(graph, hardware, judge, weights, fixed, effort == "thorough")


def simulate(
    model: Model | StrPath,
    hw: Hardware | StrPath,
    batch: int | None = None,
    objective: str = "latency",
    mapping: StrPath | None = None,
    assume: str | None = None,
    effort: str = "fast",
) -> Report:
    """Count cycles, bytes and energy of one batch of `model` on `hw`; nothing is executed.

    The options are those of `schedule`.
    """
    program = schedule(model, hw, batch, objective, mapping, assume, effort)
    return report_of(program, batch, objective)


def evaluate(
    model: Model | StrPath,
    hw: Hardware | StrPath,
    objective: str = "latency",
    assume: str | None = None,
    batch: int | None = None,
) -> Totals:
    """What `simulate` gives as `total`, without layers and causes: for many hardware points.

    Give the same Model each time: what depends on it alone is found once. Options: see `schedule`.
    """
    from npusim.report.totals import totals_of

    return totals_of(schedule(model, hw, batch, objective, assume=assume))


def execute(
    model: Model | StrPath,
    hw: Hardware | StrPath,
    inputs: Arrays,
    requantize: str | None = None,
    batch: int | None = None,
    objective: str = "latency",
    mapping: StrPath | None = None,
    kernels: str | None = None,
    state: Arrays | None = None,
    stream: bool = False,
    threads: int | None = None,
) -> Result:
    """Outputs of `model` on `hw` for `inputs`, with the report of the same Program.

    `inputs` have the names and dtypes of `model.inputs`; their shapes too, or N times as many rows:
    then N inferences run, and the outputs have N times as many rows. `requantize`, `kernels`,
    `state`, `stream` and `threads` are those of `infer`.
    """
    require_type("inputs", inputs, (Mapping,), "a mapping of names to arrays")
    program = schedule(model, hw, batch, objective, mapping)
    outputs, after = infer_from(program, inputs, requantize, kernels, None, state, stream, threads)
    return Result(outputs, report_of(program, batch, objective), after)


def compare(
    models: Sequence[Model | StrPath],
    hws: Sequence[Hardware | StrPath],
    batch: int | None = None,
    objective: str = "latency",
    assume: str | None = None,
) -> Comparison:
    """Every model on every hardware, counted; see `schedule` for the options."""
    from npusim.report.side_by_side import Comparison

    loaded = [_as_model(model) for model in _several("models", models)]
    hardware = [_as_hardware(hw) for hw in _several("hws", hws)]
    pairs = ((model, hw) for model in loaded for hw in hardware)
    return Comparison(tuple(simulate(*pair, batch, objective, assume=assume) for pair in pairs))


def trace(
    model: Model | StrPath,
    hw: Hardware | StrPath,
    path: StrPath,
    batch: int | None = None,
    objective: str = "latency",
    mapping: StrPath | None = None,
    assume: str | None = None,
) -> Report:
    """Write every job of one batch of `model` on `hw` to `path`, for Perfetto's viewer.

    The file has Chrome's trace format; it is gzipped if its name ends in .gz. The options are those
    of `schedule`, the report that of `simulate`.
    """
    from npusim.report.trace import write_trace

    require_type("path", path, (str, os.PathLike), "a path")
    program = schedule(model, hw, batch, objective, mapping, assume)
    write_trace(program, path)
    return report_of(program, batch, objective)


def report_of(
    program: Program,
    batch: int | None = None,
    objective: str = "latency",
    accuracy: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    compared_to: Mapping[str, Any] | None = None,
) -> Report:
    """The report of a Program, with `accuracy`, `notes` and `compared_to` (an `Agreement`)."""
    from npusim.energy.model import energy_of
    from npusim.report import build_report
    from npusim.timing.counts import count

    counts, added = count(program), (accuracy, notes, compared_to)
    return build_report(counts, energy_of(counts), batch or 1, objective, *added)


def infer(
    program: Program,
    inputs: Arrays,
    requantize: str | None = None,
    kernels: str | None = None,
    progress: Progress | None = None,
    state: Arrays | None = None,
    stream: bool = False,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Outputs of a Program for `inputs`; see `execute` for their shapes.

    `requantize` is a profile's name, `model` or `hardware`; None takes the hardware's if it states
    one, else the model's. `kernels` is a path of kernels (`c`, `numba`, `reference`). A model that
    remembers starts from `state` (None: its initial state); with `stream` only the first inference
    does, and each other one starts from what the one before left. Layers run on at most `threads`
    threads (None: the environment's NPUSIM_THREADS, or 1); the bits are the same with any number.
    """
    return infer_from(program, inputs, requantize, kernels, progress, state, stream, threads)[0]


def infer_from(
    program: Program,
    inputs: Arrays,
    requantize: str | None,
    kernels: str | None,
    progress: Progress | None,
    state: Arrays | None,
    stream: bool,
    threads: int | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Outputs of `infer`, and the state that the last inference leaves."""
    from npusim.execution.executor import Executor
    from npusim.kernels.table import kernels as kernel_table
    from npusim.kernels.threads import limited

    profile = choose_profile(requantize, program.hardware, program.graph)
    executor = Executor(program, profile, kernel_table(kernels))
    runs = list(inferences(program.graph, inputs))
    found: list[dict[str, np.ndarray]] = []
    before, after = state, dict[str, np.ndarray]()
    with limited(threads):
        for arrays in runs:
            outputs, after = executor.advance(arrays, before)
            found.append(outputs)
            before = after if stream else state
            if progress is not None:
                progress(len(found), len(runs))
    if len(found) == 1:
        return found[0], after
    names = program.graph.outputs
    return {name: np.concatenate([one[name] for one in found]) for name in names}, after


def model_path(path_or_name: StrPath) -> Path:
    require_type("model", path_or_name, (str, os.PathLike), "a path or a name")
    text = os.fspath(path_or_name)
    if not text:
        raise UsageError(Problem("MODEL", "'' is no name of a model"))
    path = Path(text)
    if path.exists() or path.suffix or path.name != text or text in NETWORK_NAMES:
        return path
    if text in BUILT_IN:
        from npusim.models.bundled import bundled_float_path, bundled_model_path

        return bundled_model_path() if text == "digits" else bundled_float_path()
    what = f"no such file, and no built-in model of this name{nearest_name(text, BUILT_IN)}"
    raise UsageError(Problem(text, f"{what}; built in: {', '.join(BUILT_IN)}"))


def _several(where: str, given: Any) -> Iterable[Any]:
    """`given` itself: several of something. A text is one, though it has letters."""
    if isinstance(given, str | os.PathLike):
        raise TypeError(f"{where}: expected several, as a list: [{str(given)!r}]")
    require_type(where, given, (Iterable,), "several, as a list")
    found: Iterable[Any] = given
    return found


def _as_model(model: Model | StrPath) -> Model:
    require_type("model", model, (Model, str, os.PathLike), "a Model, a path or a name")
    return model if isinstance(model, Model) else load_model(model)


def _as_hardware(hw: Hardware | StrPath) -> Hardware:
    if isinstance(hw, str | os.PathLike):
        return load_hardware(hw)
    from npusim.hardware.schema import Hardware

    require_type("hw", hw, (Hardware,), "a Hardware, a preset's name or a path")
    return hw


def _infos(graph: Graph, names: Sequence[str]) -> tuple[TensorInfo, ...]:
    from npusim.report.build import tensor_info

    return tuple(tensor_info(graph.tensors[name]) for name in names)

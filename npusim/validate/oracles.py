"""Frameworks as oracles: every tensor that they can show of a model file, for given inputs.

ONNX Runtime: integers run in its exact kernels (`session.x64quantprecision` for uint8 activations,
`session.qdqisint8allowed` for int8 ones, whose kernels are exact by themselves). LiteRT: the
kernels of BUILTIN_REF for the profile `tflite-reference`, else those of its default interpreter.
Both are optional packages.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npusim.errors import Problem, UnsupportedModelError, UsageError, nearest_name
from npusim.frontend.onnx.exact_runtime import exact_entry
from npusim.ir.graph import Graph
from npusim.ir.passes.mark_resizes import carriers
from npusim.validate.unshared import give_each_reader_its_weights

Arrays = Mapping[str, np.ndarray]
REFERENCE_PROFILE = "tflite-reference"


@dataclass(frozen=True)
class Oracle:
    """A framework with a model loaded: `title` names version and settings.

    `run` gives tensors by name for inputs by name; `reset` makes it forget earlier runs.
    """

    title: str
    run: Callable[[Arrays], dict[str, np.ndarray]]
    reset: Callable[[], None]


def open_oracle(name: str, path: Path, graph: Graph, profile: str) -> Oracle:
    """The framework `name` with the model file at `path`, which was read as `graph`.

    UsageError for a framework that is unknown, not installed, or not for this kind of file.
    """
    if name not in _OPENERS:
        known = ", ".join(_OPENERS)
        hint = nearest_name(name, tuple(_OPENERS))
        what = f"unknown framework '{name}'{hint}; known: {known}"
        raise UsageError(Problem("--compare-to", what))
    suffix, opener = _OPENERS[name]
    if path.suffix.lower() != suffix:
        what = f"{name} reads {suffix} files, and {path.name} is none"
        raise UsageError(Problem("--compare-to", what))
    try:
        return opener(path, graph, profile)
    except ImportError:
        package = "onnxruntime" if name == "onnxruntime" else "ai-edge-litert"
        what = f"needs the package {package}: pip install 'npusim[oracles]'"
        raise UsageError(Problem("--compare-to", what)) from None


def _onnx_runtime(path: Path, graph: Graph, profile: str) -> Oracle:
    import onnxruntime

    setting = exact_entry(graph)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(setting, "1")
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # more threads add float32 in another order
    content = _exposed(path, graph)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has no common base class for what it raises
        what = f"ONNX Runtime can't run this model: {_first_line(error)}"
        raise UnsupportedModelError(Problem(str(path), what)) from None
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Arrays) -> dict[str, np.ndarray]:
        try:
            return dict(zip(names, session.run(None, dict(inputs)), strict=True))
        except Exception as error:  # as above: a batch, for instance, that the file has not
            what = f"ONNX Runtime refuses these inputs: {_first_line(error)}"
            raise UsageError(Problem("--compare-to", what)) from None

    title = f"ONNX Runtime {onnxruntime.__version__}, {setting}=1"
    return Oracle(title, run, lambda: None)


def _exposed(path: Path, graph: Graph) -> bytes:
    """The model with every integer tensor of `graph` as an output.

    Float tensors inside stay inside: to show one would break up what the runtime fuses. So do those
    that would change the layout, and by it the arithmetic, of a resize.
    """
    import onnx

    model = onnx.load(path)
    known = {output.name for output in model.graph.output}
    written = {name for node in model.graph.node for name in node.output} - carriers(graph)
    for node in graph.nodes:
        for name in node.outputs:
            fmt = graph.tensors[name].format
            if name in written - known and fmt.is_integer:
                kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(fmt.dtype))
                model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    give_each_reader_its_weights(model.graph)
    content: bytes = model.SerializeToString()
    return content


def _litert(path: Path, graph: Graph, profile: str) -> Oracle:
    import importlib.metadata

    from ai_edge_litert import interpreter as litert

    reference = profile == REFERENCE_PROFILE
    kinds, content = litert.OpResolverType, path.read_bytes()

    def made_anew() -> Any:
        made = litert.Interpreter(
            model_content=content, num_threads=1,
            experimental_op_resolver_type=kinds.BUILTIN_REF if reference else kinds.AUTO,
            experimental_preserve_all_tensors=True,
        )  # fmt: skip
        _resized(made, {name: graph.tensors[name].shape for name in graph.inputs})
        made.allocate_tensors()
        return made

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            held = [made_anew()]
        except (ValueError, RuntimeError) as error:
            what = f"LiteRT can't run this model: {_first_line(error)}"
            raise UnsupportedModelError(Problem(str(path), what)) from None

    def run(inputs: Arrays) -> dict[str, np.ndarray]:
        (made,) = held
        try:
            if _resized(made, {name: array.shape for name, array in inputs.items()}):
                made.allocate_tensors()
            for detail in made.get_input_details():
                made.set_tensor(detail["index"], inputs[detail["name"]])
            made.invoke()
        except RuntimeError as error:
            what = f"LiteRT can't run this model with these inputs: {_first_line(error)}"
            raise UnsupportedModelError(Problem(str(path), what)) from None
        return _kept(made, graph)

    def reset() -> None:
        if graph.states:  # LiteRT resets variable tensors only, not what resources hold
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                held[:] = [made_anew()]

    version = importlib.metadata.version("ai-edge-litert")
    which = "BUILTIN_REF" if reference else "default interpreter"
    return Oracle(f"LiteRT {version}, {which}", run, reset)


def _resized(made: Any, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Give inputs these shapes; True if one had another, so that tensors must be allocated."""
    details = made.get_input_details()
    others = [d for d in details if tuple(d["shape"]) != shapes.get(d["name"], tuple(d["shape"]))]
    for detail in others:
        made.resize_tensor_input(detail["index"], shapes[detail["name"]])
    return bool(others)


def _kept(made: Any, graph: Graph) -> dict[str, np.ndarray]:
    """Every tensor of `graph` that the interpreter still holds, by name.

    Others are not asked for: a handle of a variable has no value, and LiteRT crashes over it.
    """
    found = {}
    for detail in made.get_tensor_details():
        if detail["name"] not in graph.tensors:
            continue
        try:
            found[detail["name"]] = made.get_tensor(detail["index"])
        except ValueError:  # a temporary, or a tensor inside a delegate
            continue
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


_OPENERS: dict[str, tuple[str, Callable[[Path, Graph, str], Oracle]]] = {
    "onnxruntime": (".onnx", _onnx_runtime),
    "litert": (".tflite", _litert),
}

"""LiteRT as an oracle: the reference kernels, or the default interpreter with its delegate."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

PROFILES = ("tflite-reference", "xnnpack")


def interpreter(
    content: bytes, profile: str, preserve: bool = False,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Any:  # fmt: skip
    """An interpreter of the kernels that `profile` stands for; skips where LiteRT is absent.

    `shapes` are those of open inputs, by name.
    """
    module = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = {
        "tflite-reference": module.OpResolverType.BUILTIN_REF,
        "xnnpack": module.OpResolverType.AUTO,
    }[profile]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = module.Interpreter(
            model_content=content, num_threads=1, experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=preserve,
        )  # fmt: skip
    for detail in made.get_input_details() if shapes else ():
        made.resize_tensor_input(detail["index"], shapes[detail["name"]])
    made.allocate_tensors()
    return made


def run(made: Any, inputs: Mapping[str, np.ndarray]) -> None:
    """Set the inputs by name and invoke."""
    for detail in made.get_input_details():
        made.set_tensor(detail["index"], inputs[detail["name"]])
    made.invoke()


def outputs(made: Any) -> dict[str, np.ndarray]:
    """The outputs of the last run, by name."""
    return {d["name"]: made.get_tensor(d["index"]) for d in made.get_output_details()}


def tensors(made: Any) -> dict[str, np.ndarray]:
    """Every tensor that the last run kept, by name."""
    kept = {}
    for detail in made.get_tensor_details():
        try:
            kept[detail["name"]] = made.get_tensor(detail["index"])
        except ValueError:
            continue
    return kept

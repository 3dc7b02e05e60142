"""A model file on a hardware's schedule, beside the framework that it was made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from npusim import api

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware
    from npusim.numerics.profiles import Profile
    from npusim.schedule.program import Program
    from npusim.validate.agreement import Agreement
    from npusim.validate.oracles import Oracle


def compare_with(
    framework: str,
    model: api.StrPath,
    hw: Hardware | api.StrPath,
    inputs: Mapping[str, np.ndarray] | None = None,
    requantize: str | None = None,
) -> Agreement:
    """`model`, a path or `digits`, executed here and by `onnxruntime` or `litert`: every tensor.

    `inputs` and `requantize` are those of `execute`; without inputs, random ones are drawn.
    UsageError where the framework is not installed, or not for this kind of file.
    """
    from npusim.validate.oracles import open_oracle

    program = api.schedule(model, hw)
    graph = program.graph
    profile = api.choose_profile(requantize, program.hardware, graph)
    oracle = open_oracle(framework, api.model_path(model), graph, profile.name)
    given = api.random_inputs(graph) if inputs is None else inputs
    return agreement_with(oracle, program, given, profile)


def agreement_with(
    oracle: Oracle, program: Program, inputs: Mapping[str, np.ndarray], profile: Profile,
    stream: bool = False,
) -> Agreement:  # fmt: skip
    """`program` under `profile` beside a framework that is open already, on every sample.

    With `stream` samples follow each other, as in `api.infer`.
    """
    from npusim.kernels.table import kernels
    from npusim.validate.agreement import compare_to

    samples = list(api.inferences(program.graph, inputs))
    return compare_to(oracle, program, samples, profile, kernels(), stream)

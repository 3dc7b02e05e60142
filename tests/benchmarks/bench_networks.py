"""Whole networks: npusim's C path beside ONNX Runtime.

    python -m tests.benchmarks.bench_networks [--network resnet50|mobilenet_v2] [--repeat N]

The network has random weights and is quantized by ONNX Runtime (QDQ, uint8 activations, int8
weights per channel). Prints medians of interleaved runs in CPU time of the process, and the ratio
to ONNX Runtime with its exact kernels (`session.x64quantprecision=1`) and as it comes: npusim's
bound program on each instruction set of this processor, and on two threads; its public function;
also how many outputs differ, and npusim's share of what its multiply-adds reach in registers alone.
ONNX Runtime has one thread and takes all instructions. Wall time tells something only on an idle
machine. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from npusim import api
from npusim.execution.executor import Executor
from npusim.kernels import native, threads
from npusim.kernels.table import kernels
from npusim.schedule.program import Program
from tests.support.onnx_models import (
    NetworkBuilder,
    mobilenet_v2,
    quantize,
    random_inputs,
    session,
)

SIZE = 224
DEPTHS = (3, 4, 6, 3)
"""Bottleneck blocks in each stage of ResNet-50."""


def resnet50(size: int) -> onnx.ModelProto:
    """ResNet-50: bottleneck blocks with the stride on the 3x3 convolution, 1000 classes."""
    b = NetworkBuilder(seed=50)
    x = b.node("Relu", [b.conv("image", 3, 64, 7, stride=2)])
    x = b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, depth in enumerate(DEPTHS):
        width = 64 << stage
        for at in range(depth):
            stride = 2 if at == 0 and stage > 0 else 1
            y = b.node("Relu", [b.conv(x, channels, width, 1)])
            y = b.node("Relu", [b.conv(y, width, width, 3, stride=stride)])
            y = b.conv(y, width, 4 * width, 1)
            if at == 0:
                x = b.conv(x, channels, 4 * width, 1, stride=stride)
            x = b.node("Relu", [b.node("Add", [y, x])])
            channels = 4 * width
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    logits = b.dense(x, channels, 1000)
    return b.model({"image": (1, 3, size, size)}, {logits: (1, 1000)})


NETWORKS = {"resnet50": resnet50, "mobilenet_v2": mobilenet_v2}
EXACT, DEFAULT = "ONNX Runtime, exact", "ONNX Runtime, default"
ROUNDS = 200_000
"""Rounds of the multiply-adds in registers."""
Run = Callable[[], np.ndarray]


def default_session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime as it comes, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def instruction_sets() -> list[str]:
    """Those with vectors that this processor has."""
    found = []
    for most in native.INSTRUCTION_SETS[1:]:
        native.limit_instructions(most)
        if native.instruction_set() == most:
            found.append(most)
    native.limit_instructions(native.INSTRUCTION_SETS[-1])
    return found


def bound(program: Program, sample: dict[str, np.ndarray], most: str, number: int) -> Run:
    """The program on the instructions `most` and so many threads."""
    profile = api.choose_profile(None, program.hardware, program.graph)
    program = replace(program, graph=replace(program.graph))  # its own packed weights

    def run() -> np.ndarray:
        native.limit_instructions(most)
        with threads.limited(number):
            return first(executor.run(sample))

    native.limit_instructions(most)
    executor = Executor(program, profile, kernels("c"))
    run()
    return run


def candidates(program: Program, path: Path, sample: dict[str, np.ndarray]) -> dict[str, Run]:
    """What is compared: a name, and a function that gives the outputs of one inference."""
    exact, default = session(path), default_session(path)
    sets = instruction_sets()
    found = {f"npusim, {most}": bound(program, sample, most, 1) for most in sets}
    for number in range(2, (os.cpu_count() or 1) + 1)[:1]:
        for most in sets:
            found[f"npusim, {most}, {number} threads"] = bound(program, sample, most, number)
    return found | {
        "npusim, api.infer": lambda: first(api.infer(program, sample)),
        EXACT: lambda: exact.run(None, sample)[0],
        DEFAULT: lambda: default.run(None, sample)[0],
    }


def first(outputs: dict[str, np.ndarray]) -> np.ndarray:
    """The only output."""
    (found,) = outputs.values()
    return found


def seconds(run: Run) -> tuple[float, float]:
    """CPU seconds of the process and seconds that one run takes."""
    start, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - start, time.perf_counter() - wall


def ceiling_s(macs: int, most: str) -> float:
    """CPU seconds of so many MACs in registers only."""
    native.limit_instructions(most)
    start = time.thread_time()
    done = native.multiply_registers(ROUNDS)
    return (time.thread_time() - start) * macs / done


def report(name: str, repeat: int) -> None:
    """Measure and print one network."""
    with tempfile.TemporaryDirectory() as folder:
        float_model = NETWORKS[name](SIZE)
        path = quantize(float_model, Path(folder), "qdq")
        (sample,) = random_inputs(float_model, 1)
        program = api.schedule(api.load_model(path), "edge-npu-1")
        runs = candidates(program, path, sample)
        outputs = {label: run() for label, run in runs.items()}
        times: dict[str, list[tuple[float, float]]] = {label: [] for label in runs}
        ceilings: dict[str, list[float]] = {most: [] for most in instruction_sets()}
        macs = sum(step.nest.macs for step in program.steps)
        for _ in range(repeat):
            for label, run in runs.items():
                times[label].append(seconds(run))
            for most, found in ceilings.items():
                found.append(ceiling_s(macs, most))
    print(f"{name} at {SIZE} x {SIZE}, {1e-9 * macs:.2f} GMAC, {repeat} interleaved runs")
    _print(times, outputs, {most: statistics.median(found) for most, found in ceilings.items()})


def _print(
    times: dict[str, list[tuple[float, float]]], outputs: dict[str, np.ndarray],
    ceilings: dict[str, float],
) -> None:  # fmt: skip
    """One line a candidate."""
    cpu = {label: statistics.median(each[0] for each in found) for label, found in times.items()}
    for label, found in times.items():
        wrong = int((outputs[label] != outputs[EXACT]).sum())
        wall = statistics.median(each[1] for each in found)
        share = [f", {ceilings[most] / cpu[label]:.0%} of the ceiling"
                 for most in ceilings if f"npusim, {most}" == label]  # fmt: skip
        print(f"{label:31}{1e3 * cpu[label]:8.2f} ms CPU ({1e3 * min(found)[0]:.2f} at best), "
              f"{1e3 * wall:.2f} ms wall; {cpu[label] / cpu[EXACT]:.2f} of exact, "
              f"{cpu[label] / cpu[DEFAULT]:.2f} of default; {wrong} outputs differ"
              + "".join(share))  # fmt: skip


def main() -> None:
    """Measure the networks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--repeat", type=int, default=25)
    given = parser.parse_args()
    for name in given.network or NETWORKS:
        report(name, given.repeat)


if __name__ == "__main__":
    main()

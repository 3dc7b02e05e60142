"""Whole networks: npusim's C path beside ONNX Runtime, one thread each.

    python -m tests.benchmarks.bench_networks [--network resnet50|mobilenet_v2] [--repeat N]

The network has random weights and is quantized by ONNX Runtime (QDQ, uint8 activations, int8
weights per channel). Prints medians of interleaved runs in CPU time of the process, and their
ratios: npusim's bound program; its public function, which binds the kernels anew; ONNX Runtime with
its exact kernels (`session.x64quantprecision=1`) and as it comes, and how many outputs differ.
Nothing here is a test.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from npusim import api
from npusim.execution.executor import Executor
from npusim.kernels.table import kernels
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
Run = Callable[[], np.ndarray]


def default_session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime as it comes, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def candidates(name: str, folder: Path) -> dict[str, Run]:
    """What is compared: a name, and a function that gives the outputs of one inference."""
    float_model = NETWORKS[name](SIZE)
    path = quantize(float_model, folder, "qdq")
    (sample,) = random_inputs(float_model, 1)
    model = api.load_model(path)
    program = api.schedule(model, api.load_hardware("edge-npu-1"))
    profile = api.choose_profile(None, program.hardware, program.graph)
    executor = Executor(program, profile, kernels())
    exact, default = session(path), default_session(path)
    return {
        "npusim, bound once": lambda: first(executor.run(sample)),
        "npusim, api.infer": lambda: first(api.infer(program, sample)),
        "ONNX Runtime, exact": lambda: exact.run(None, sample)[0],
        "ONNX Runtime, default": lambda: default.run(None, sample)[0],
    }


def first(outputs: dict[str, np.ndarray]) -> np.ndarray:
    """The only output."""
    (found,) = outputs.values()
    return found


def cpu_s(run: Run) -> float:
    """CPU seconds of the process that one run takes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def report(name: str, repeat: int) -> None:
    """Measure and print one network."""
    with tempfile.TemporaryDirectory() as folder:
        runs = candidates(name, Path(folder))
        outputs = {label: run() for label, run in runs.items()}
        times: dict[str, list[float]] = {label: [] for label in runs}
        for _ in range(repeat):
            for label, run in runs.items():
                times[label].append(cpu_s(run))
    right = outputs["ONNX Runtime, exact"]
    mine = statistics.median(times["npusim, bound once"])
    print(f"{name} at {SIZE} x {SIZE}, {kernels().path} kernels, {repeat} interleaved runs")
    for label, seconds in times.items():
        middle = statistics.median(seconds)
        wrong = int((outputs[label] != right).sum())
        print(f"{label:24}{1e3 * middle:9.2f} ms  ({1e3 * min(seconds):.2f} at best)  "
              f"{middle / mine:5.2f} of npusim's time  {wrong} outputs differ")  # fmt: skip


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

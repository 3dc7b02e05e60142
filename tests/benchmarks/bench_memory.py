"""Peak memory of one inference of ResNet-50: npusim's C path beside ONNX Runtime.

    python -m tests.benchmarks.bench_memory [--network resnet50|mobilenet_v2]

Each candidate reads the quantized model of `bench_networks` and runs it once, in a process of its
own; the peak is the largest resident set that Linux reports (`VmHWM`; `ru_maxrss` would include
that of this process, which starts the others). A network of one layer
shows what the candidate takes before any weights: interpreter, libraries, compilers. Prints both
peaks, their difference, and the ratio to ONNX Runtime's of each. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from tests.benchmarks.bench_networks import NETWORKS, SIZE
from tests.support.onnx_models import NetworkBuilder, quantize, random_inputs

PEAK = """
lines = open("/proc/self/status").read().splitlines()
print(1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1]))
"""
NPUSIM = """
import sys
import numpy as np
from npusim import api
program = api.schedule(api.load_model(sys.argv[1]), "edge-npu-1")
api.infer(program, dict(np.load(sys.argv[2])))
"""
ONNX_RUNTIME = """
import sys
import numpy as np
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.x64quantprecision", "{exact}")
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, dict(np.load(sys.argv[2])))
"""
EXACT, DEFAULT = "ONNX Runtime, exact", "ONNX Runtime, default"
SCRIPTS = {
    "npusim": NPUSIM,
    EXACT: ONNX_RUNTIME.format(exact=1),
    DEFAULT: ONNX_RUNTIME.format(exact=0),
}
RUNS = 3
"""Processes of each; the least peak counts. The first fills npusim's caches of compiled code."""


def one_layer(size: int) -> onnx.ModelProto:
    """A convolution with few weights."""
    b = NetworkBuilder(seed=1)
    y = b.conv("image", 3, 8, 1)
    return b.model({"image": (1, 3, size, size)}, {y: (1, 8, size, size)})


def peak_bytes(script: str, path: Path, inputs: Path) -> int:
    """The least peak of some processes that run `script`."""
    command = [sys.executable, "-c", script + PEAK, str(path), str(inputs)]
    found = [subprocess.run(command, capture_output=True, text=True, check=True).stdout
             for _ in range(RUNS)]  # fmt: skip
    return min(int(text.split()[-1]) for text in found)


def peaks(model: onnx.ModelProto, folder: Path) -> dict[str, int]:
    """The peak of each candidate on a model."""
    path = quantize(model, folder, "qdq")
    (sample,) = random_inputs(model, 1)
    np.savez(folder / "inputs.npz", **sample)
    inputs = folder / "inputs.npz"
    return {name: peak_bytes(script, path, inputs) for name, script in SCRIPTS.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--network", choices=sorted(NETWORKS), default="resnet50")
    given = parser.parse_args()
    found = []
    for model in (NETWORKS[given.network](SIZE), one_layer(8)):
        with tempfile.TemporaryDirectory() as folder:
            found.append(peaks(model, Path(folder)))
    whole, empty = found
    for name, peak in whole.items():
        own = peak - empty[name]
        ratios = ", ".join(
            f"{peak / whole[peer]:.2f} and {own / (whole[peer] - empty[peer]):.2f} of {peer}"
            for peer in (EXACT, DEFAULT)
        )
        print(f"{name:24}{peak / 2**20:7.1f} MiB at peak, {own / 2**20:6.1f} above that of one "
              f"layer: {ratios}")  # fmt: skip


if __name__ == "__main__":
    main()

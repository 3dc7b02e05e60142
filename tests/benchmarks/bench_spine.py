"""How long the simulator itself takes: medians of interleaved runs, in CPU time.

    python tests/benchmarks/bench_spine.py [--model FILE] [--hw NAME] [--repeat N]

Prints, for one model on one preset:

- counting it in a warm process: schedule, timing and energy, milliseconds;
- `npusim run MODEL --no-numerics` in a new process with filled caches, seconds;
- the same from a copy of the package that has no compiled code yet, as a first run, seconds;
- executing one inference with the kernels of each path, milliseconds.

A round measures each of them once, so that a change of load falls on all. Nothing here is a test.
The default model is MobileNetV2 of the development data.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("NPUSIM_SHARED", TOP.parent / "shared"))
MODEL = SHARED / "data" / "models" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
FIRST_RUNS = 2  # each compiles everything for most of a minute

sys.path.insert(0, str(TOP))

from npusim import api  # noqa: E402
from npusim.kernels.table import PATHS, native_available  # noqa: E402


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process that `work` takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def process_cpu_s(command: list[str], sources: Path = TOP) -> float:
    """CPU seconds of a new process, of its children too; npusim is taken from `sources`."""
    variables = {**os.environ, "PYTHONPATH": str(sources)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=variables, cwd=sources, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_run_cpu_s(command: list[str]) -> float:
    """CPU seconds of `command` with a copy of the package in which nothing is compiled yet."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("npusim", "hw_configs"):
            shutil.copytree(TOP / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        return process_cpu_s(command, copy)


def row(name: str, values: list[float], unit: str, scale: float = 1.0) -> str:
    """Median, least and most of `values`, as one line."""
    shown = [scale * value for value in values]
    middle, least, most = statistics.median(shown), min(shown), max(shown)
    return f"{name:<46}{middle:>9.2f} {unit:<3} ({least:.2f} to {most:.2f}, {len(values)} runs)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--hw", default="edge-npu-1")
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()

    model, hw = api.load_model(given.model), api.load_hardware(given.hw)
    command = [sys.executable, "-m", "npusim", "run", str(given.model.resolve()), "--hw", given.hw]
    command += ["--no-numerics", "--quiet"]
    program = api.schedule(model, hw)
    inputs = api.random_inputs(model.graph)
    paths = [path for path in PATHS if path != "c" or native_available()]
    work: dict[str, Callable[[], object]] = {
        "count, warm": lambda: api.simulate(model, hw),
        **{
            f"execute, kernels {path}": lambda path=path: api.infer(program, inputs, kernels=path)
            for path in paths
        },
    }
    for warm in work.values():
        warm()
    process_cpu_s(command)
    times: dict[str, list[float]] = {name: [] for name in work}
    processes: list[float] = []
    for _ in range(given.repeat):
        for name, once in work.items():
            times[name].append(cpu_s(once))
        processes.append(process_cpu_s(command))
    first = [first_run_cpu_s(command) for _ in range(FIRST_RUNS)]

    print(f"{model.name} on {hw.name}, CPU time, median")
    for name, values in times.items():
        print(row(name, values, "ms", 1e3))
    print(row("run --no-numerics, new process, caches filled", processes, "s"))
    print(row("run --no-numerics, new process, caches empty", first, "s"))


if __name__ == "__main__":
    main()

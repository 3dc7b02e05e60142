"""What is installed: versions, kernels, optional packages, and where machine code is kept."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

REQUIRED = ("numpy", "numba", "onnx", "pydantic", "PyYAML", "click", "rich", "cffi")
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "tflite": ("tflite", "flatbuffers"),
    "plot": ("matplotlib",),
    "images": ("pillow",),
    "search": ("optuna",),
    "parquet": ("pyarrow",),
    "cluster": ("distributed",),
    "oracles": ("onnxruntime", "ai-edge-litert"),
    "qat": ("torch", "scikit-learn", "mlxtend"),
}
"""Extra to the packages that it brings."""


@dataclass(frozen=True)
class Package:
    """An optional package: its version (None: missing) and the extra that brings it."""

    name: str
    version: str | None
    extra: str


@dataclass(frozen=True)
class Cache:
    """Where Numba keeps the simulator's machine code: `bytes` in it, whether it can be written."""

    folder: str
    bytes: int
    writable: bool


@dataclass(frozen=True)
class Environment:
    """An installation: `versions` of what is required (None: its metadata are missing).

    `kernels` is the path that runs by default, `instructions` what its convolutions are built for
    (None without C kernels).
    """

    npusim: str
    python: str
    platform: str
    processors: int
    versions: Mapping[str, str | None]
    optional: tuple[Package, ...]
    kernels: str
    instructions: str | None
    cache: Cache


def environment() -> Environment:
    """Look at this installation."""
    from npusim import __version__
    from npusim.kernels.table import kernels

    return Environment(
        npusim=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        processors=os.cpu_count() or 1,
        versions={name: _version(name) for name in REQUIRED},
        optional=tuple(
            Package(name, _version(name), extra)
            for extra, names in OPTIONAL.items() for name in names
        ),
        kernels=kernels().path,
        instructions=_instructions(),
        cache=_cache(),
    )  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _instructions() -> str | None:
    from npusim.kernels.table import native_available

    if not native_available():
        return None
    from npusim.kernels.native import instruction_set

    return instruction_set()


def _cache() -> Cache:
    from npusim.jit import cache_root

    folder = cache_root()
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Cache(str(folder), sum(sizes), os.access(_existing(folder), os.W_OK))


def _existing(folder: Path) -> Path:
    """`folder`, or the folder above it that exists: the one in which it would be made."""
    return next(path for path in (folder, *folder.parents) if path.exists())

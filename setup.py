"""The parts of the build that pyproject.toml cannot say: C kernels, and presets outside npusim/."""

import os

from setuptools import find_packages, setup

WITHOUT_C = os.environ.get("NPUSIM_NO_C", "") not in ("", "0")

setup(
    packages=[*find_packages(include=["npusim", "npusim.*"]), "npusim.hw_configs"],
    package_dir={"npusim.hw_configs": "hw_configs"},
    cffi_modules=[] if WITHOUT_C else ["kernels/build.py:ffibuilder"],
)

"""Settings for all tests: reproducible property tests, with more examples in the slow suite."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does; before numpy

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile(
    "quick", max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=_QUIET,
)  # fmt: skip
settings.register_profile(
    "thorough", max_examples=600, deadline=None, database=None, suppress_health_check=_QUIET
)
settings.load_profile(os.environ.get("NPUSIM_EXAMPLES", "quick"))

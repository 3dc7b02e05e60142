"""Events of Chrome's trace format as JSON text: a line each, many at a time.

Times are microseconds with three decimals. Begin and end are rounded to whole nanoseconds each, so
that what follows without a gap still does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

PROCESS = 1
"""Everything is shown as one process. Its tracks are threads 1, 2, ...; 0 would be an idle one."""


def nanoseconds(cycles: np.ndarray, clock_hz: float) -> np.ndarray:
    """Whole nanoseconds, int64."""
    return np.rint(cycles * (1e9 / clock_hz)).astype(np.int64)


def metadata(kind: str, track: int, **value: str | int) -> str:
    """The name of the process or of a track, or a track's place among them."""
    event = {"ph": "M", "pid": PROCESS, "tid": track + 1, "name": kind, "args": value}
    return json.dumps(event) + ",\n"


def complete(
    track: int,
    begin_ns: np.ndarray,
    end_ns: np.ndarray,
    names: Sequence[str],
    arguments: Mapping[str, Iterable[Any]],
) -> str:
    """Complete events of one track; `names` and the texts in `arguments` are JSON already."""
    times = *np.divmod(begin_ns, 1000), *np.divmod(end_ns - begin_ns, 1000)
    args = ",".join(f'"{name}":%s' for name in arguments)
    shape = (
        f'{{"ph":"X","pid":{PROCESS},"tid":{track + 1},"ts":%d.%03d,"dur":%d.%03d,"name":%s,'
        f'"args":{{{args}}}}},\n'
    )
    return _filled(shape, [*(column.tolist() for column in times), names, *arguments.values()])


def counter(name: str, at_ns: np.ndarray, series: Mapping[str, np.ndarray]) -> str:
    """The values that a counter has from each time on; several series are stacked."""
    times = np.divmod(at_ns, 1000)
    values = ",".join(f'"{key}":%.9g' for key in series)
    shape = f'{{"ph":"C","pid":{PROCESS},"ts":%d.%03d,"name":"{name}","args":{{{values}}}}},\n'
    return _filled(shape, [column.tolist() for column in (*times, *series.values())])


def _filled(shape: str, columns: Sequence[Iterable[Any]]) -> str:
    """`shape` once for each row, all of them formatted at once."""
    rows = list(zip(*columns, strict=True))
    return (shape * len(rows)) % tuple(chain.from_iterable(rows))

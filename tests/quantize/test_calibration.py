"""One pass over samples: extremes of every float tensor, kept ranges, broken values named."""

from __future__ import annotations

import numpy as np
import pytest

from npusim import api
from npusim.errors import UsageError
from npusim.ir.graph import Graph
from npusim.models.bundled import bundled_calibration
from npusim.numerics.formats import INT8, UINT8
from npusim.quantize import calibrate, prepared
from npusim.quantize.running import Runner


@pytest.fixture(scope="module")
def graph() -> Graph:
    return prepared("digits-float")


def samples(graph: Graph, count: int) -> list[dict[str, np.ndarray]]:
    few = {name: array[:count] for name, array in bundled_calibration().items()}
    return list(api.inferences(graph, few))


def test_extremes_are_those_of_all_samples(graph: Graph) -> None:
    given = samples(graph, 7)
    seen = calibrate(graph, given)
    runner = Runner(graph)
    runs = [dict(runner.values(one)) for one in given]
    assert seen.samples == 7
    for name in ("image", "stem", "logits"):
        values = np.concatenate([run[name].reshape(-1) for run in runs])
        assert seen.histograms[name].low == values.min()
        assert seen.histograms[name].high == values.max()
        assert seen.histograms[name].counts.sum() == values.size


def test_every_range_comes_from_the_same_pass(graph: Graph) -> None:
    seen = calibrate(graph, samples(graph, 4))
    first = seen.range_of("stem", "mse", UINT8, False)
    assert seen.range_of("stem", "mse", UINT8, False) is first
    histogram = seen.histograms["stem"]
    assert seen.range_of("stem", "minmax", INT8, True) == (histogram.low, histogram.high)


def test_progress_counts_samples(graph: Graph) -> None:
    told: list[int] = []
    calibrate(graph, samples(graph, 3), told.append)
    assert told == [1, 2, 3]


def test_no_sample_and_infinite_values_are_refused(graph: Graph) -> None:
    with pytest.raises(UsageError, match="holds no sample"):
        calibrate(graph, [])
    given = samples(graph, 2)
    given[1]["image"] = np.full_like(given[1]["image"], np.inf)
    with pytest.raises(UsageError, match="sample 1: 'image' is NaN or infinity"):
        calibrate(graph, given)
    given[1]["image"] = np.full_like(given[1]["image"], 3e38)
    with pytest.raises(UsageError, match=r"sample 1: '.*' becomes NaN or infinity"):
        calibrate(graph, given)

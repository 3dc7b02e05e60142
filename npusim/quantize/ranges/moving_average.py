"""The exponential moving average of the extremes of single samples: rare extremes count little.

average <- average + 0.01 (extreme of the sample - average), beginning with the first sample, as
PyTorch's MovingAverageMinMaxObserver and ONNX Runtime's calibrator with `CalibMovingAverage` do.
So the result depends on the order of the samples.
"""

from __future__ import annotations

from npusim.numerics.formats import Format
from npusim.quantize.histogram import Histogram


def range_of(histogram: Histogram, fmt: Format, symmetric: bool) -> tuple[float, float]:
    """The averages of the least and of the greatest value of a sample."""
    return histogram.average_low, histogram.average_high

"""Operators along axes: reductions, extrema and where they are, softmax, running sums."""

"""Computes what a Program computes: the same job records, run through the kernels."""

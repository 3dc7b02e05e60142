"""Operators on pairs of tensors that broadcast: arithmetic, comparisons, selections."""

"""Normalizations: real arithmetic on whole rows, scale and shift beside the data."""

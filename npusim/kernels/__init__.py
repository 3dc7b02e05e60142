"""Kernels: a numpy reference that defines each one, and faster versions that equal it."""

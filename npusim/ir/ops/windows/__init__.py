"""Operators over windows of an image: poolings and linear resizes."""

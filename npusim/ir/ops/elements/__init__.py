"""Operators on single elements of one tensor, and the borders between float32 and integers."""

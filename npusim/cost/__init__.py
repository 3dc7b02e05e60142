"""Cycles of one job on one resource: closed forms, never a loop over cycles."""

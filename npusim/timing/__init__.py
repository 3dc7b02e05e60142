"""Counts cycles: the event engine over job records, and the attribution of every cycle."""

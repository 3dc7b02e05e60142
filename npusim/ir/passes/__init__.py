"""Clean-up of a graph: one pass, one file; each returns a Graph that means the same."""

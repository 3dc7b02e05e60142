"""Clean-up of a graph: one pass, one file; each takes a Graph and returns one that means the same."""

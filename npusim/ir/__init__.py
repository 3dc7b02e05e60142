"""The graph: operators, tensors, loop nests and the passes that tidy them."""

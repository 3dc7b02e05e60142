"""Networks that come with npusim: a trained one with its test data, and built-in topologies."""

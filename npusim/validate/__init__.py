"""npusim against the frameworks that models come from, and against measurements."""

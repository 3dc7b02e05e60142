"""Design spaces: many points of hardware, and what a designer can read from them."""

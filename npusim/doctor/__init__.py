"""Is this installation sound? What is installed, and whether every kernel gives the right bits."""

"""Graph + Hardware -> Program: lowering, residency, tiling, and the walker of the tile loops."""

"""Recurrent layers, and the parts that an unrolled one is made of."""

"""One operator, one file: signature, shapes, types, loop nest, and which kernel computes it."""

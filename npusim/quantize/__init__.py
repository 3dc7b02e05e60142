"""Quantization: precisions of a network, what they cost and what they buy."""

"""Number formats, quantization parameters and the arithmetic of requantization."""

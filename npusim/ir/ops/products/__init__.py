"""Sums of products: convolutions, fully connected layers, matrix products, and their drain."""

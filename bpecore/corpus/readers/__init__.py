"""Reads documents out of inputs, one module per kind of input."""

"""Strategies that act on the gradients of the firm."""

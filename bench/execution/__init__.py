"""Execution: the sweep over a grid, its backends, and the handling of failures."""

"""Density models: from points to a density that one can evaluate and sample. One method a file."""

"""Data sets that are generated from a known law."""

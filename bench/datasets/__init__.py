"""Data sets: one class each, which draws a seeded split."""

"""Benchmarks of density models: known laws, tables, and estimates of log Z."""

"""Benchmarks of density models of images: data, features, figures of merit."""

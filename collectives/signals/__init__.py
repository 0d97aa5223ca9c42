"""Signals g: X -> X, by the kind of data that they change."""

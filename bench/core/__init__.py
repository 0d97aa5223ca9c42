"""Shared foundations: errors, random streams, and a cache by identity."""

"""Strategies: what the members of a collective do to their data, and when they have won."""

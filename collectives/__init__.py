"""Strategies: changes of members' data, and measures of their success."""

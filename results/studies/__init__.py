"""Studies: a paper each, its grid, its figures, and its claims with their verdicts."""

"""One trial: set up, train, evaluate."""

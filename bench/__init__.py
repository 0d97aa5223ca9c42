"""The experiment: datasets, trials, the grid and its records."""

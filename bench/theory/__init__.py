"""Theory of a trial: the firm's law on known domains, bounds, and sample sizes."""

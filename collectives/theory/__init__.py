"""Theory of collectives: lower bounds on success, label policies and counts."""

"""Where trials run: the sweep, its backends, and what happens when a worker fails."""

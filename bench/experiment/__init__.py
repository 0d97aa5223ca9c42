"""One trial: setup, training, evaluation."""

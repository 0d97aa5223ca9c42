"""Collective action at test time: members change their points, and the firm does not retrain."""

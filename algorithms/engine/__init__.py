"""The gradient-training engine: one loop that trains many replicas at once."""

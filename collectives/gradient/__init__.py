"""Strategies that act on the firm's gradients."""

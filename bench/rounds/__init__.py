"""Firms that update their models in rounds with new people, and collectives that come and go."""

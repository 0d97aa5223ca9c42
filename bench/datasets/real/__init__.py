"""Data sets that were collected, and files of one's own."""

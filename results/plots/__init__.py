"""Figures: one file a figure, frames in, a Figure out."""

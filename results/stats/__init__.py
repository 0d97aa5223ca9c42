"""Statistics of success curves: frames in, frames out."""

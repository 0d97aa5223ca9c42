"""From records to curves, tables and figures: frames in, frames out."""

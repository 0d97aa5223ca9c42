"""File formats, the data root, and cached arrays: from files to plain arrays."""

"""The grids that ship."""

"""From text to objects: the registry, specs, grids, and search spaces."""

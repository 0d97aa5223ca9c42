"""Programs that measure the benchmark itself: speed, scale, faults, decision regions."""

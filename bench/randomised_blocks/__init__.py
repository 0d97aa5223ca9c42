"""Which part of a point a network looks at: accuracy when parts are those of other points."""

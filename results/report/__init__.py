"""Tables, pages, macros, and everything that is written into a run's folder."""

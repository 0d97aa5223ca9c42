"""Where data enter: one dataset a class, a seeded split from each."""

"""The records of trials: their fields, their store, and what is published of them."""

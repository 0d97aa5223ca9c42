"""What members of a collective pay and gain."""

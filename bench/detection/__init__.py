"""Detection of members: scores of suspicion of the firm, and how well they find the members."""

"""What theory promises in a trial: bounds on finite domains and from samples."""

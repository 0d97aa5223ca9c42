"""What is promised: closed forms, finite-sample bounds, label policies, counts."""

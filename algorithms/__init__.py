"""Learners: from a training sample to a classifier. One method (one paper) a file."""

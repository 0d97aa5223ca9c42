"""Learners on representations: the wrapper, pretrained encoders, and the cache of features."""

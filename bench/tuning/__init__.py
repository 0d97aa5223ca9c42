"""Tuning: the choice of each learner's setting on the firm's validation data, before a grid."""

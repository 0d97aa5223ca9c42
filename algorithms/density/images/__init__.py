"""Density models of images, with convolutional networks."""

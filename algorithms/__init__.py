"""Learners: from a training sample to a classifier. One method (one paper) a file."""

import os

from algorithms.runtime import allocator

# Matrix products by MKL round differently as their operands lie in memory, so that a replica's
# result would depend on its place in a stack. This asks MKL, before its first product, to let
# the place not matter; it costs nothing that could be measured.
os.environ.setdefault("MKL_CBWR", "AUTO")
allocator.keep_freed_memory()

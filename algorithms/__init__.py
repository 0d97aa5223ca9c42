"""Learners: from a training sample to a classifier. One method (one paper) a file."""

import os

from algorithms.runtime import allocator

# The rounding of MKL's matrix products depends on the alignment of their operands, so a replica's
# result would depend on its place in a stack. This setting, which MKL reads before its first
# product, makes the rounding independent of alignment, without a measurable cost.
os.environ.setdefault("MKL_CBWR", "AUTO")
allocator.keep_freed_memory()

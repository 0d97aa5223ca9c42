"""How the process keeps the memory that arithmetic asks for and lets go of at each step."""

import ctypes
import sys

#: Of glibc's mallopt: what is free at the end of the heap before any goes back to the system, and
#: from what size on an allocation is mapped by itself.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
#: A step's tensors stay on the heap; data sets are mapped, and go back when they are let go of.
MAPPED_FROM = 8 * 2**20
KEPT = 128 * 2**20


def keep_freed_memory() -> bool:
    """Let freed memory stay with the process, and tell whether the C library knows how.

    Left alone, glibc hands the end of its heap back as soon as a step lets its tensors go, and
    takes it anew, page by page, at the next one: on virtual machines, where pages are dear, that
    can take as long as the arithmetic.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):  # musl has none
        return False
    mapped = library.mallopt(MMAP_THRESHOLD, MAPPED_FROM)
    return bool(mapped and library.mallopt(TRIM_THRESHOLD, KEPT))

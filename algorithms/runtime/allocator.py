"""Settings of the memory allocator for training, which frees and allocates at each step."""

import ctypes
import sys

#: Options of glibc's mallopt: the free memory at the end of the heap above which it is returned
#: to the system, and the size from which an allocation is mapped separately.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
#: The tensors of a step stay on the heap; datasets are mapped, and returned when they are freed.
MAPPED_FROM = 8 * 2**20
KEPT = 128 * 2**20


def keep_freed_memory() -> bool:
    """Keep freed memory in the process, and return whether the C library supports it.

    By default, glibc returns the end of its heap to the system as soon as a step frees its
    tensors, and requests it again, page by page, at the next step. On virtual machines, where
    page faults are slow, this can take as long as the arithmetic.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):  # musl does not have it
        return False
    mapped = library.mallopt(MMAP_THRESHOLD, MAPPED_FROM)
    return bool(mapped and library.mallopt(TRIM_THRESHOLD, KEPT))

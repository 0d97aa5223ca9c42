"""The precision of convolutions on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.backends import cudnn


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute convolutions on a GPU in single precision, and in a fixed order of summation.

    By default cuDNN may round the inputs of convolutions to ten bits after the leading one, and
    log-densities would differ from those of a processor by far more than by the order of sums. On
    a processor this changes nothing.

    Example:
        >>> with full_precision():
        ...     cudnn.allow_tf32
        False
    """
    with cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield

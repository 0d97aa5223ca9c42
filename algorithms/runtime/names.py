"""Names of files that mean the same on all machines, since they are part of keys."""

from pathlib import PurePosixPath


def is_relative(name: str) -> bool:
    r"""Return whether a name is that of a file or folder inside of some root.

    Example:
        >>> [is_relative(name) for name in ("a/b.ckpt", "", "/a", "../a", "C:\\a")]
        [True, False, False, False, False]
    """
    path = PurePosixPath(name)
    outside = not name or path.is_absolute() or ".." in path.parts
    return not outside and not set(name) & {"\\", ":"}

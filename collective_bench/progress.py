"""Progress bars of runs, in a terminal and in a notebook."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from bench.cli.execution import terminal_bar
from bench.cli.shared import notes
from bench.execution.sweep import Progress


def progress_bar(total: int) -> AbstractContextManager[Callable[[Progress], None]]:
    """Return a context that shows the progress; its value is a function that updates it.

    Arguments:
        total: The number of trials to run.
    """
    if notes.quiet:
        return nullcontext(lambda progress: None)
    return _notebook_bar(total) if _in_notebook() else terminal_bar(total)


def _in_notebook() -> bool:
    """Return whether the process is a kernel that shows rich output."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and hasattr(running, "kernel")


@contextmanager
def _notebook_bar(total: int) -> Iterator[Callable[[Progress], None]]:
    """Show a bar in the output of a notebook's cell, without widgets."""
    from IPython.display import ProgressBar

    bar = ProgressBar(max(total, 1))
    bar.display()

    def watch(now: Progress) -> None:
        bar.progress = now.done

    yield watch

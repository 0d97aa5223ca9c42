"""The command line."""

import sys

from bench.core.errors import BenchError

# In the order in which the help lists them; importing them registers them.
from bench.cli import (  # noqa: F401  # isort: skip
    run,
    components,
    runs,
    data,
    tables,
    compare,
    publish,
    effects,
    frontier,
    participation,
    theory,
    density,
    recommend,
    regions,
    detection,
    report,
    study,
)
from bench.cli.shared import app, notes


def main() -> None:
    """Run the command line; errors that a user can mend are one line and exit code 2."""
    try:
        app()
    except BenchError as error:
        notes.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(2)
    except OSError as error:
        if error.errno is None:
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        notes.print(f"error: {where}{error.strerror}", markup=False, style="red")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

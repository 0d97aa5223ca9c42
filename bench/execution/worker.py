"""The process in which chunks run, ``python -m bench.execution.worker FD PARENT``.

It is given chunks and gives back records, one thread of arithmetic, until its parent is gone.
"""

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

import cloudpickle

#: A parent that is gone is noticed within so many seconds where the kernel does not tell.
PAUSE = 0.5


def outlive_nobody(parent: int) -> None:
    """End when the parent does, also when that is killed and can tell nobody."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(PAUSE)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def main() -> None:
    """Answer each chunk with its records."""
    pipe, parent = Connection(int(sys.argv[1])), int(sys.argv[2])
    faulthandler.enable()
    outlive_nobody(parent)
    from algorithms.runtime.threads import one_thread
    from bench.experiment.run import run_trials

    pipe.send_bytes(b"ready")
    with one_thread():
        while True:
            try:
                payload = pipe.recv_bytes()
            except EOFError:
                return
            chunk = cloudpickle.loads(payload)
            # Time is measured from here on: what was imported just now is nobody's fault.
            pipe.send_bytes(b"loaded")
            pipe.send_bytes(cloudpickle.dumps(run_trials(chunk)))


if __name__ == "__main__":
    main()

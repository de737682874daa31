"""What the kernel knows of a process: that it ends with its parent, even when that is killed, and its name."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_NAME = 15
PR_SET_PDEATHSIG = 1  # prctl(2); the signal comes when the *thread* that started the child ends


def die_with_parent(sent: signal.Signals) -> Callable[[], None]:
    """Make a `preexec_fn` that asks the kernel for `sent` when the caller's thread ends (Linux only)."""
    parent = os.getpid()

    def ask() -> None:
        follow_parent(sent)
        if os.getppid() != parent:  # the parent ended between fork and prctl
            os._exit(1)

    return ask


def follow_parent(sent: signal.Signals) -> None:
    """Ask the kernel to send `sent` to this process when its parent ends; elsewhere than on Linux, nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sent)


def go_by_name(name: str) -> None:
    """Be called so in lists of processes (`ps -e`, `top`, `pgrep`), by the first 15 letters (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())

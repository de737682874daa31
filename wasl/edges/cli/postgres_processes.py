"""Which processes belong to a PostgreSQL cluster, read from its pid file and from /proc."""

import contextlib
import os
from pathlib import Path


def server_pid(data: Path) -> int | None:
    """The live server of the cluster in `data`, ready or not.

    A zombie is dead, and so is a number that another program took over after a power cut.
    """
    try:
        pid = int(_pid_file(data)[0])
        os.kill(pid, 0)
    except (IndexError, ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass  # alive under another account
    process = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):  # without /proc there is no way to know better
        if process.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            return None
        if os.fsencode(data) not in process.joinpath("cmdline").read_bytes().split(b"\0"):
            return None
    return pid


def still_attached(data: Path) -> bool:
    """Whether processes of a dead server still hold its shared memory: a second server would destroy data.

    This is PostgreSQL's own interlock, asked where it cannot ask: after its pid file was found to name a zombie.
    """
    with contextlib.suppress(OSError, IndexError):
        segment = _pid_file(data)[6].split()[1]
        for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == segment:
                return int(fields[6]) > 0
    return False


def _pid_file(data: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return (data / "postmaster.pid").read_text().splitlines()
    return []

"""Which process a worker is, so that another on the same machine can see at once that it is gone."""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_START_TIME = 19  # field 22 of proc(5) stat, counted after the parenthesised name


class ProcessIdentity(NamedTuple):
    """A process and where its number means something.

    `place` names host, boot and process namespace: another container's pid 1 is not ours.
    """

    place: str
    pid: int
    started: int


def this_process() -> ProcessIdentity:
    """The identity of the calling process."""
    boot, namespace = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return ProcessIdentity(f"{platform.node()}/{boot}/{namespace}", os.getpid(), _started(os.getpid()))


def is_gone(process: ProcessIdentity) -> bool:
    """True when a process of this place has certainly ended. Where that cannot be seen, its lease decides."""
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return process.started != _started(process.pid)


def _started(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    return -1 if fields[0] in {"Z", "X"} else int(fields[_START_TIME])  # ended, only not reaped yet

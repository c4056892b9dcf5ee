"""Which core a process runs on, and how much processor time its whole tree has used (Linux; elsewhere unpinned)."""

import os
import signal
import subprocess
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_CORES: set[int] = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()  # before anything is pinned


def can_pin() -> bool:
    """Whether servers and load can be kept apart here."""
    return {SERVER_CORE, LOAD_CORE} <= _CORES


@contextmanager
def kept_to(core: int) -> Generator[None]:
    """Keep this process to one core for the length of the block, where the system can."""
    if not can_pin():
        yield
        return
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, _CORES)


def started(
    arguments: Sequence[str], core: int | None, environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a program, on one core if told, in a session of its own so that `ended` reaches its children too."""
    wanted = {core} if core is not None and can_pin() else _CORES

    def pin() -> None:
        if wanted:
            os.sched_setaffinity(0, wanted)

    with log.open("ab") as output:
        return subprocess.Popen(
            arguments,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=pin,  # noqa: PLW1509 - one system call between fork and exec
        )


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a started program and what it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ending(log: Path) -> str:
    """The last of what a started program said."""
    return log.read_text()[-2000:]


def move(root: int, cores: set[int]) -> None:
    """Let every thread of a process tree run on these cores."""
    for pid in _tree(root):
        for thread in (_PROC / str(pid) / "task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def used_seconds(root: int) -> float:
    """Processor seconds of a process and everything it started that is still alive; 0 without /proc."""
    return sum(_used(pid) for pid in _tree(root)) / _TICKS if _PROC.is_dir() else 0.0


def _used(pid: int) -> int:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _tree(root: int) -> Iterator[int]:
    yield root
    for path in (_PROC / str(root) / "task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _tree(int(child))

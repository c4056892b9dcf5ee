"""What the processes of one running topology know of each other, and the files they share on one machine."""

import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import msgspec

from shared.binding.declare import Contract
from shared.host.project import project_folder

VERSION = version("triptych-shared")
STATE_VARIABLE = "TRIPTYCH_STATE"
LOG_LEVEL_VARIABLE = "TRIPTYCH_LOG_LEVEL"
DEFAULT_STATE = Path(".state")


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, known once everything has its port. Written by `triptych up`, or by hand on many machines.

    Attributes:
        topology: Path of the topology file.
        state: The state directory.
        processes: Base URL of each process by name.
        issuer: `iss` of the embedded issuer and the URL it is served at.
        sandboxes: URL of each stand-in backend by name; empty where backends are real.
        valkey: URL of Valkey or Redis.
        development: Serve what only a developer's machine may: tokens for the documentation pages.
    """

    topology: str
    state: str
    processes: dict[str, str]
    issuer: str
    valkey: str
    sandboxes: dict[str, str] = {}
    development: bool = False


class NotRunning(Exception):  # noqa: N818 - reads as what it is
    """There is no running suite to talk to; the text says how to start one."""


class StateRefused(Exception):  # noqa: N818 - reads as what it is
    """The state directory cannot be used; the text says why and what to do."""


@contextmanager
def own_state(state: Path) -> Generator[None]:
    """Make the state directory and hold it for the length of the block; the kernel lets go when we die.

    Raises:
        StateRefused: It cannot be written, or another topology runs on it.
    """
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateRefused(
            f"The state directory {state} cannot be used ({error.strerror}); name one that this user can write, "
            f"with --state or {STATE_VARIABLE}."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StateRefused(
            f"Another suite runs on the state directory {state}; end it, or name another directory with --state "
            f"or {STATE_VARIABLE}."
        ) from None
    finally:
        os.close(lock)


def state_directory() -> Path:
    """Where state is kept: `$TRIPTYCH_STATE`, else `.state` in the project's folder."""
    return Path(os.environ.get(STATE_VARIABLE) or project_folder() / DEFAULT_STATE)


def write_runtime(runtime: Runtime) -> Path:
    """Write `<state>/runtime.json` in one step, so that a reader sees all of it or nothing."""
    path = Path(runtime.state) / "runtime.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(runtime)))
    draft.replace(path)
    return path


def read_runtime(state: Path) -> Runtime:
    """Read `<state>/runtime.json`.

    Raises:
        NotRunning: Nothing was started with this state directory.
    """
    try:
        return msgspec.json.decode((state / "runtime.json").read_bytes(), type=Runtime)
    except FileNotFoundError:
        raise NotRunning(f"Nothing was started with the state directory {state}; run `triptych up` first.") from None
    except msgspec.MsgspecError as error:
        raise NotRunning(f"{state / 'runtime.json'} cannot be read ({error}); run `triptych up` again.") from None


def api_secret_file(state: Path, contract: type[Contract]) -> Path:
    """The file with the secret by which an API proves itself to the issuer."""
    return state / "clients" / f"{contract.slug}.secret"


def ensure_secret(path: Path) -> Path:
    """Make a random secret of 256 bits, readable by its owner only, unless there is one; never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return path
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
    with suppress(FileExistsError):  # another process was first
        os.link(draft, path)
    draft.unlink()
    return path

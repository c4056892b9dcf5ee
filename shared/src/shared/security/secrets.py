"""Secrets by reference: settings say where a secret is, never what it is, and nothing prints it."""

import os
import re
from pathlib import Path
from typing import Any, NoReturn

_MAX_BYTES = 65_536
_REFERENCE = re.compile(r"file:.+|env:[A-Za-z_][A-Za-z0-9_]*")


class UnreadableSecretError(ValueError):
    """A setting that is no secret reference, or one that leads nowhere. Never holds the value."""


class Secret:
    """A secret that lives in a file or the environment.

    It is read anew at each use, so a rotated file needs no restart.

    Args:
        reference: `file:/absolute/path` or `env:NAME`.
        checked: Read it once now, so that a reference that leads nowhere is refused at start.

    Raises:
        UnreadableSecretError: If it is a literal, or nothing (or nothing but space) is there.
    """

    __slots__ = ("_kind", "_place")

    def __init__(self, reference: str, *, checked: bool = True) -> None:
        self._kind, _, self._place = reference.partition(":")
        if _REFERENCE.fullmatch(reference) is None:
            raise UnreadableSecretError(
                "Settings hold references to secrets, not secrets: write file:/path or env:NAME, put the value "
                "there, and replace the value if this file was shared."
            )
        if checked:
            self.reveal()

    def reveal(self) -> str:
        """The secret itself, without its trailing line end. Hand it to the wire, never to a log."""
        value = self._read_file() if self._kind == "file" else os.environ.get(self._place, "")
        value = value.removesuffix("\n").removesuffix("\r")
        if not value.strip():
            raise UnreadableSecretError(f"There is no secret at {self!s}; put one there or correct the reference.")
        return value

    @property
    def path(self) -> Path | None:
        """The file it is in; None for the environment."""
        return Path(self._place) if self._kind == "file" else None

    def replace(self, value: str) -> None:
        """Put another secret in its file, whole or not at all, durably and for our eyes only.

        Raises:
            UnreadableSecretError: It is not in a file, or the file cannot be written.
        """
        path = self.path
        if path is None:
            raise UnreadableSecretError(f"{self!s} cannot be replaced; keep what changes in a file (file:/path).")
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise UnreadableSecretError(f"{self!s} cannot be written ({type(error).__name__}).") from None

    def _read_file(self) -> str:
        path = Path(self._place)
        if not path.is_absolute():
            raise UnreadableSecretError(f"{self!s} must be an absolute path, so that it means one file everywhere.")
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise UnreadableSecretError(f"{self!s} is larger than {_MAX_BYTES} bytes; that is no secret.")
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UnreadableSecretError(f"{self!s} is not UTF-8 text.") from None
        except OSError as error:
            raise UnreadableSecretError(f"{self!s} cannot be read ({type(error).__name__}).") from None

    def __str__(self) -> str:
        return f"{self._kind}:{self._place}"

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled; pass its reference.")


def decode_secret(kind: type, value: Any) -> Any:
    """A msgspec `dec_hook` for settings with Secret fields: the setting holds the reference."""
    return _decoded(kind, value, checked=True)


def decode_reference(kind: type, value: Any) -> Any:
    """The same where the secrets need not be there, because settings are only looked at."""
    return _decoded(kind, value, checked=False)


def _decoded(kind: type, value: Any, *, checked: bool) -> Secret:
    if kind is not Secret:
        raise TypeError(f"Settings of type {kind.__name__} are not supported.")
    if not isinstance(value, str):
        raise UnreadableSecretError("A secret reference is text: file:/path or env:NAME.")
    return Secret(value, checked=checked)

"""Sealing at rest: AES-256-GCM (NIST SP 800-38D) under a ring of keys that can be rotated while everything runs.

The ring is one secret, by reference: a line for each key, 32 bytes in base64, the newest first. The newest seals; all
of them open. To rotate, put a new line on top (`rotate_key_file` does for a file); a key may go once nothing sealed
with it is kept. Rotate before a key has sealed 2^32 payloads: nonces are random.
"""

import base64
import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.security.secrets import Secret, UnreadableSecretError

KEY_BYTES = 32
_FORMAT = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD = len(_FORMAT) + _ID_BYTES + _NONCE_BYTES
_RECHECK_SECONDS = 10.0


class KeyRing:
    """Seals bytes for one place and opens them there, with keys read from a secret.

    A rotated secret is noticed within ten seconds, and at once by whoever meets a key it does not know.

    Args:
        secret: Where the keys are.
        clock: Monotonic seconds.

    Raises:
        UnreadableSecretError: If there is no secret, or it holds no keys.
    """

    def __init__(self, secret: Secret, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret = secret
        self._clock = clock
        self._keys: dict[bytes, AESGCM] = {}
        self._newest = b""
        self._checked = 0.0
        self._read()

    def seal(self, payload: bytes, place: str) -> bytes:
        """The payload, encrypted and authenticated with the newest key, bound to `place`."""
        if self._clock() - self._checked > _RECHECK_SECONDS:
            self._read()
        nonce = os.urandom(_NONCE_BYTES)
        head = _FORMAT + self._newest + nonce
        return head + self._keys[self._newest].encrypt(nonce, payload, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for `place`; raises ValueError for anything else, and when its key is gone."""
        if len(sealed) < _HEAD or not sealed.startswith(_FORMAT):
            raise ValueError("This was not sealed here; it is left as it is.")
        key_id, nonce = sealed[1 : 1 + _ID_BYTES], sealed[1 + _ID_BYTES : _HEAD]
        if key_id not in self._keys:
            self._read()
        key = self._keys.get(key_id)
        if key is None:
            raise ValueError(f"The key {key_id.hex()} is not in {self._secret}; put it back there to open this.")
        try:
            return key.decrypt(nonce, sealed[_HEAD:], place.encode())
        except InvalidTag:
            raise ValueError("This was changed, or sealed for another place.") from None

    def _read(self) -> None:
        keys = [self._decoded(line) for line in self._secret.reveal().split()]
        self._keys = {_key_id(key): self._keys.get(_key_id(key)) or AESGCM(key) for key in keys}
        self._newest = _key_id(keys[0])
        self._checked = self._clock()

    def _decoded(self, line: str) -> bytes:
        try:
            key = base64.b64decode(line, validate=True)
        except ValueError:  # binascii.Error is one
            key = b""
        if len(key) != KEY_BYTES:
            raise UnreadableSecretError(
                f"{self._secret} must hold keys of {KEY_BYTES} bytes in base64, one a line, the newest first."
            )
        return key


def ensure_key_file(path: Path) -> Path:
    """Make a key file with one new key, readable by its owner only, unless there is one; returns its path.

    Raises PermissionError if others may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = _draft(path, _new_key())
        try:
            os.link(draft, path)  # all of it or nothing, and never over another process's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermissionError(f"{path} may be read by others; run chmod 600 on it, and rotate its keys.")
    return path


def rotate_key_file(path: Path) -> str:
    """Put a new key on top of a key file; returns the key's id. Running processes use it within ten seconds."""
    key = _new_key()
    draft = _draft(path, key + "\n" + path.read_text())
    draft.replace(path)
    return _key_id(base64.b64decode(key)).hex()


def _new_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return draft


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:_ID_BYTES]

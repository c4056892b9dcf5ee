"""The embedded issuer's keys: in a file only its owner reads, rotated so that no good token is ever refused.

A new key is published before it signs, and an old one stays published until the last token it signed has
expired. `withdraw` is for a leaked key: it goes at once and its tokens with it.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from shared.security.jwks import TRUST_SECONDS, keep_known
from shared.security.jws import SigningKey, VerificationKey, encode_base64url

PUBLISHED_BEFORE_SECONDS = TRUST_SECONDS
"""Every verifier has asked for our keys once in this time, so all know a key before it signs."""
PUBLISHED_AFTER_SECONDS = 3660.0
"""The longest lifetime of a token, and the skew verifiers allow."""
_CHECK_SECONDS = 1.0
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}

KeyAlgorithm = Literal["ES256", "EdDSA"]


class _StoredKey(msgspec.Struct):
    jwk: dict[str, Any]
    signs_from: float


class _Stored(msgspec.Struct):
    keys: list[_StoredKey]


class SigningKeys:
    """The issuer's key ring, kept in `<state>/signing-keys.json`; a KeySource for verifiers in this process.

    Args:
        state: A directory; made with mode 0700 if missing. A new ring is made in it if there is none.
        algorithm: For new keys. ES256 verifies in 60 µs where EdDSA takes 100, and every library knows it.
        clock: Unix seconds.

    Raises:
        PermissionError: If others may read the file.
    """

    def __init__(
        self, state: Path, *, algorithm: KeyAlgorithm = "ES256", clock: Callable[[], float] = time.time
    ) -> None:
        self._path = state / "signing-keys.json"
        self._algorithm: KeyAlgorithm = algorithm
        self._clock = clock
        self._keys: list[_StoredKey] = []
        self._verifying: dict[str, VerificationKey] = {}
        self._signing: dict[str, SigningKey] = {}
        self._mtime = -1
        self._checked_at = float("-inf")
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            if not self._path.exists():
                self._write([self._new_key(signs_from=0.0)])
        self._load()

    def signing_key(self) -> SigningKey:
        """The key that signs now."""
        self._reload()
        now = self._clock()
        newest = max((key for key in self._keys if key.signs_from <= now), key=lambda key: key.signs_from)
        return self._signing[newest.jwk["kid"]]

    def current(self, kid: str) -> VerificationKey | None:
        """See KeySource."""
        self._reload()
        return self._verifying.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """See KeySource."""
        return self.current(kid)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The public JWK set (RFC 7517 §5)."""
        self._reload()
        return {"keys": [_public(key.jwk) for key in self._published()]}

    def rotate(self) -> str:
        """Add a key that signs after `PUBLISHED_BEFORE_SECONDS`; returns its `kid`. Other processes follow."""
        with self._locked():
            self._load()
            added = self._new_key(signs_from=self._clock() + PUBLISHED_BEFORE_SECONDS)
            self._write([*self._published(), added])
        self._load()
        return str(added.jwk["kid"])

    def withdraw(self, kid: str) -> None:
        """Remove a leaked key at once; its tokens are refused within a minute. Raises KeyError if unknown."""
        with self._locked():
            self._load()
            left = [key for key in self._keys if key.jwk["kid"] != kid]
            if len(left) == len(self._keys):
                raise KeyError(f"There is no signing key {kid}; the key set lists those there are.")
            if not any(key.signs_from <= self._clock() for key in left):
                left.append(self._new_key(signs_from=0.0))
            self._write(left)
        self._load()

    def _published(self) -> list[_StoredKey]:
        # A key retires when its successor begins to sign.
        ordered = sorted(self._keys, key=lambda key: key.signs_from)
        oldest_needed = self._clock() - PUBLISHED_AFTER_SECONDS
        successors = [key.signs_from for key in ordered[1:]] + [float("inf")]
        return [key for key, retires in zip(ordered, successors, strict=True) if retires >= oldest_needed]

    def _new_key(self, signs_from: float) -> _StoredKey:
        if self._algorithm == "ES256":
            jwk = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
        else:
            jwk = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
        named = {**jwk, "kid": thumbprint(jwk), "alg": self._algorithm, "use": "sig"}
        return _StoredKey(named, signs_from)

    def _reload(self) -> None:
        # Another process may have rotated; asking the file system once a second is soon enough.
        now = self._clock()
        if 0 <= now - self._checked_at < _CHECK_SECONDS:
            return
        self._checked_at = now
        if self._path.stat().st_mtime_ns != self._mtime:
            self._load()

    def _load(self) -> None:
        status = self._path.stat()
        if status.st_mode & 0o077:
            raise PermissionError(f"Others may read {self._path}; run chmod 600 on it, and rotate the keys.")
        self._keys = msgspec.json.decode(self._path.read_bytes(), type=_Stored).keys
        self._mtime = status.st_mtime_ns
        public = {key.jwk["kid"]: VerificationKey.from_jwk(_public(key.jwk)) for key in self._keys}
        self._verifying = keep_known(self._verifying, public)
        self._signing = {key.jwk["kid"]: SigningKey(key.jwk) for key in self._keys}

    def _write(self, keys: list[_StoredKey]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(_Stored(keys)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    @contextmanager
    def _locked(self) -> Generator[None]:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of an EC or OKP key, its `kid` here."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    return encode_base64url(hashlib.sha256(msgspec.json.encode(members)).digest())


def _public(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"}

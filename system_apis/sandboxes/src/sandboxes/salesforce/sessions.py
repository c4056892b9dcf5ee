"""Who may talk to the org: connected apps, and the sessions their access tokens stand for."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec import Struct, convert
from msgspec.structs import asdict

from sandboxes.kit import Clock

SESSION_SECONDS = 7_200.0


class ConnectedApp(Struct):
    """An application an administrator let in.

    Attributes:
        client_id: The consumer key.
        client_secret: The consumer secret.
        run_as: Username that client-credentials tokens act for, empty if the flow is off.
        public_keys: Keys that may sign JWT bearer assertions.
        callbacks: Where browsers may be sent back to, character by character.
        public: Whether it may leave its secret out, as apps on people's machines do.
        rotates: Whether each refresh token is good for one use (Refresh Token Rotation).
    """

    client_id: str
    client_secret: str
    run_as: str = ""
    public_keys: list[RSAPublicKey] = []
    callbacks: list[str] = []
    public: bool = False
    rotates: bool = False


class Session(Struct):
    """What an access token stands for; `used_at` slides the session's life, `grant` names what it was given under."""

    token: str
    user_id: str
    client_id: str
    scope: str
    issued_at: float
    used_at: float
    refresh_token: str = ""
    grant: str = ""


class Sessions:
    """Live access and refresh tokens, on the sandbox's clock."""

    def __init__(self, clock: Clock, organization_id: str) -> None:
        self._clock, self._organization_id = clock, organization_id
        self._live: dict[str, Session] = {}
        self._refresh: dict[str, Session] = {}
        self._spent: dict[str, str] = {}  # refresh tokens that rotation used up, with their grant
        self.seconds = SESSION_SECONDS

    def start(self, user_id: str, client_id: str, scope: str, *, refreshable: bool = False, grant: str = "") -> Session:
        """A new session; its token has the form clients check for: 00D<12 characters>!<word characters>."""
        now = self._clock.timestamp()
        token = f"{self._organization_id[:15]}!AQ{secrets.token_hex(24)}.{secrets.token_hex(24)}"
        refresh = f"5Aep861{secrets.token_urlsafe(40)}" if refreshable else ""
        session = Session(token, user_id, client_id, scope, now, now, refresh, grant or token)
        self._live[token] = session
        if refresh:
            self._refresh[refresh] = session
        return session

    def refreshed(self, token: str, client_id: str, *, rotate: bool) -> Session | None:
        """The session of a refresh token, begun anew; None when the token is no good.

        With rotation it is used up and the new session brings its successor; whoever comes with a used one ends
        everything that was given under the same grant.
        """
        given = self._refresh.get(token)
        if given is None or given.client_id != client_id:
            if token in self._spent:
                self._end_grant(self._spent[token])
            return None
        if rotate:
            self._spent[token] = self._refresh.pop(token).grant
        return self.start(given.user_id, client_id, given.scope, refreshable=rotate, grant=given.grant)

    def find(self, token: str) -> Session | None:
        """The session of this token, its life begun anew; None if it has none or has expired."""
        session = self._live.get(token)
        if session is None:
            return None
        now = self._clock.timestamp()
        if now - session.used_at > self.seconds:
            del self._live[token]
            return None
        session.used_at = now
        return session

    def peek(self, token: str) -> Session | None:
        """The session of this token without sliding its life."""
        session = self._live.get(token)
        live = session and self._clock.timestamp() - session.used_at <= self.seconds
        return session if live else None

    def revoke(self, token: str) -> bool:
        """End a token; a refresh token takes the access tokens of its grant along. False if nobody knows it."""
        given = self._refresh.get(token)
        if given is None:
            return self._live.pop(token, None) is not None
        self._end_grant(given.grant)
        return True

    def _end_grant(self, grant: str) -> None:
        for tokens in (self._live, self._refresh):
            for token in [token for token, session in tokens.items() if session.grant == grant]:
                del tokens[token]

    def expire_all(self) -> int:
        """End every access token; refresh tokens stay. Returns how many ended."""
        count = len(self._live)
        self._live.clear()
        return count


class ConnectedApps:
    """The connected apps of the org; the first may have its key in a file that appears later.

    Args:
        apps: The apps.
        key_file: PEM public key or certificate of the first app, read when an assertion arrives.
    """

    def __init__(self, apps: Sequence[ConnectedApp], key_file: Path | None) -> None:
        self._apps = {app.client_id: app for app in apps}
        self._first, self._key_file = apps[0].client_id, key_file

    def find(self, client_id: str) -> ConnectedApp | None:
        """The app with this consumer key."""
        return self._apps.get(client_id)

    def keys_of(self, app: ConnectedApp) -> list[RSAPublicKey]:
        """The keys that may sign for this app."""
        if app.client_id == self._first and self._key_file and self._key_file.is_file():
            return [*app.public_keys, read_public_key(self._key_file.read_bytes())]
        return app.public_keys

    def register(self, client_id: str, pem: str = "", **facts: Any) -> None:
        """Let an app in, or change a known one: `facts` are attributes of it, empty texts change nothing."""
        known = self._apps.get(client_id) or ConnectedApp(client_id, "", public_keys=[])
        changes = {name: value for name, value in facts.items() if value not in (None, "")}
        changed = convert(asdict(known) | changes | {"public_keys": []}, ConnectedApp)
        changed.public_keys = [*known.public_keys, *([read_public_key(pem.encode())] if pem else [])]
        self._apps[client_id] = changed


def read_public_key(pem: bytes) -> RSAPublicKey:
    """The RSA public key in a PEM public key or certificate; ValueError if there is none."""
    certified = b"BEGIN CERTIFICATE" in pem
    key = load_pem_x509_certificate(pem).public_key() if certified else load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("A connected app needs an RSA public key or certificate in PEM.")  # noqa: TRY004
    return key

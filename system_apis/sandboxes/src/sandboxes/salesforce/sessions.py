"""Who may talk to the org: connected apps, and the sessions their access tokens stand for."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec import Struct

from sandboxes.kit import Clock

SESSION_SECONDS = 7_200.0


class ConnectedApp(Struct):
    """An application an administrator let in.

    Attributes:
        client_id: The consumer key.
        client_secret: The consumer secret.
        run_as: Username that client-credentials tokens act for, empty if the flow is off.
        public_keys: Keys that may sign JWT bearer assertions.
    """

    client_id: str
    client_secret: str
    run_as: str = ""
    public_keys: list[RSAPublicKey] = []


class Session(Struct):
    """What an access token stands for; `used_at` slides the session's life."""

    token: str
    user_id: str
    client_id: str
    scope: str
    issued_at: float
    used_at: float
    refresh_token: str = ""


class Sessions:
    """Live access and refresh tokens, on the sandbox's clock."""

    def __init__(self, clock: Clock, organization_id: str) -> None:
        self._clock, self._organization_id = clock, organization_id
        self._live: dict[str, Session] = {}
        self._refresh: dict[str, Session] = {}
        self.seconds = SESSION_SECONDS

    def start(self, user_id: str, client_id: str, scope: str, *, refreshable: bool = False) -> Session:
        """A new session; its token has the form clients check for: 00D<12 characters>!<word characters>."""
        now = self._clock.timestamp()
        token = f"{self._organization_id[:15]}!AQ{secrets.token_hex(24)}.{secrets.token_hex(24)}"
        refresh = f"5Aep861{secrets.token_urlsafe(40)}" if refreshable else ""
        session = Session(token, user_id, client_id, scope, now, now, refresh)
        self._live[token] = session
        if refresh:
            self._refresh[refresh] = session
        return session

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

    def of_refresh_token(self, token: str) -> Session | None:
        """The session a refresh token was given with."""
        return self._refresh.get(token)

    def revoke(self, token: str) -> bool:
        """End a token; a refresh token takes the access tokens of its grant along. False if nobody knows it."""
        grant = self._refresh.pop(token, None)
        if grant is None:
            return self._live.pop(token, None) is not None
        for live in [s for s in self._live.values() if s.client_id == grant.client_id and _same_user(s, grant)]:
            del self._live[live.token]
        return True

    def expire_all(self) -> int:
        """End every access token; refresh tokens stay. Returns how many ended."""
        count = len(self._live)
        self._live.clear()
        return count


def _same_user(one: Session, other: Session) -> bool:
    return one.user_id == other.user_id


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

    def register(self, client_id: str, client_secret: str, run_as: str, pem: str) -> None:
        """Let an app in, or give a known one another key, secret or run-as user; empty strings change nothing."""
        app = self._apps.setdefault(client_id, ConnectedApp(client_id, client_secret, public_keys=[]))
        app.client_secret = client_secret or app.client_secret
        app.run_as = run_as or app.run_as
        if pem:
            app.public_keys.append(read_public_key(pem.encode()))


def read_public_key(pem: bytes) -> RSAPublicKey:
    """The RSA public key in a PEM public key or certificate; ValueError if there is none."""
    certified = b"BEGIN CERTIFICATE" in pem
    key = load_pem_x509_certificate(pem).public_key() if certified else load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("A connected app needs an RSA public key or certificate in PEM.")  # noqa: TRY004
    return key

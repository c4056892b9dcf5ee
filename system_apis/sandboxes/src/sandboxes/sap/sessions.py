"""HTTP security sessions: a cookie, the client it logged on to, and the CSRF token bound to it."""

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from secrets import compare_digest, token_urlsafe

SYSTEM = "S4H"
CLIENT = "100"
COOKIE = f"SAP_SESSIONID_{SYSTEM}_{CLIENT}"
_LIFETIME_SECONDS = 30 * 60  # SAP's default session timeout


@dataclass(slots=True)
class Session:
    """A session; `used_at` is seconds since the epoch."""

    id: str
    user: str
    token: str
    used_at: float


class Sessions:
    """The open sessions, each ended after half an hour without use."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def begin(self, user: str, now: float) -> Session:
        """A new session with its own token."""
        self._open = {one.id: one for one in self._open.values() if now - one.used_at <= _LIFETIME_SECONDS}
        session = Session(token_urlsafe(32), user, token_urlsafe(16), now)
        self._open[session.id] = session
        return session

    def find(self, cookie_header: str, now: float) -> Session | None:
        """The session that the Cookie header names, if it is still open."""
        try:
            cookies = SimpleCookie(cookie_header)
        except CookieError:
            return None
        session = self._open.get(cookies[COOKIE].value) if COOKIE in cookies else None
        if session is None or now - session.used_at > _LIFETIME_SECONDS:
            return None
        session.used_at = now
        return session

    def end_all(self) -> int:
        """End every session; how many there were."""
        ended = len(self._open)
        self._open.clear()
        return ended


def token_is(session: Session | None, presented: str) -> bool:
    """Whether the presented CSRF token is the session's."""
    return session is not None and compare_digest(session.token.encode(), presented.encode())


def session_cookies(session: Session) -> tuple[str, ...]:
    """The Set-Cookie values of a new session."""
    return (f"{COOKIE}={session.id}; path=/; HttpOnly", f"sap-usercontext=sap-client={CLIENT}; path=/")

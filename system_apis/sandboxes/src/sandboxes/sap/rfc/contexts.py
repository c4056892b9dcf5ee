"""Contexts of stateful callers: what each has done and not committed, and the documents it holds meanwhile.

A function that writes checks everything and promises a number, but its work waits in the context. COMMIT does it;
ROLLBACK, the end of the context or half an hour of silence forget it. Without a context a call has one of its own,
which ends with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from secrets import token_urlsafe

from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.sales.tables import LOCKS
from sandboxes.sap.storage import Records

COOKIE = "sap-contextid"
_LIFETIME_SECONDS = 30 * 60


@dataclass(slots=True)
class Context:
    """One caller's unit of work; `used_at` is seconds since the epoch."""

    id: str
    user: str
    used_at: float
    waiting: list[Callable[[Work], None]] = field(default_factory=list[Callable[[Work], None]])
    held: set[str] = field(default_factory=set[str])


class Contexts:
    """The open contexts."""

    def __init__(self, records: Records, user: str) -> None:
        self._records = records
        self._open: dict[str, Context] = {}
        records.remove(LOCKS, User=user)  # those of contexts that ended with an earlier process

    def find(self, cookie_header: str, user: str, now: float) -> Context | None:
        """The context that the Cookie header names, if it is still open and the user's own."""
        self.end_idle(now)
        found = self._open.get(context_id(cookie_header))
        if found is None or found.user != user:
            return None
        found.used_at = now
        return found

    def end_idle(self, now: float) -> None:
        """End the contexts that nobody used for half an hour."""
        for one in [one for one in self._open.values() if now - one.used_at > _LIFETIME_SECONDS]:
            self.end(one)

    def begin(self, user: str, now: float) -> Context:
        """A context that is not kept yet."""
        return Context(f"SID%3aANON%3a{token_urlsafe(24)}", user, now)

    def keep(self, context: Context) -> None:
        """Let later calls find it."""
        self._open[context.id] = context

    def hold(self, context: Context, document: str) -> None:
        """Keep everybody else from changing a document."""
        if document not in context.held:
            context.held.add(document)
            self._records.add(LOCKS, {"Document": document, "User": context.user})

    def forget(self, context: Context) -> None:
        """Drop the work that waits, and let go of its documents."""
        context.waiting.clear()
        for document in context.held:
            self._records.remove(LOCKS, Document=document, User=context.user)
        context.held.clear()

    def end(self, context: Context) -> None:
        """End a context with everything it did not commit."""
        self.forget(context)
        self._open.pop(context.id, None)

    def end_all(self) -> None:
        """End every context."""
        for one in list(self._open.values()):
            self.end(one)


def context_id(cookie_header: str) -> str:
    """The context that a Cookie header names; empty if none."""
    try:
        cookies = SimpleCookie(cookie_header)
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""

"""The port through which every backend is reached: method, URL, headers, body, time → status, headers, body.

WireFailure
├── ConnectionFailed   the request was surely not sent; repeating is always safe
├── ReplyLost          sent, and no answer came: the outcome is unknown
│   └── ReplyBroken    an answer began and broke off, or is not HTTP
├── WireTimeout        the time was over first; sent or not is unknown
└── ReplyTooLarge      the answer is larger than the cap; the rest was not read

Which library moves the bytes is the decision of one place, `wire_default`, and shows nowhere else.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

MAX_REPLY_BYTES = 32 * 1024 * 1024
"""Largest reply body `Wire.send` reads, counted after decompression."""


class WireFailure(Exception):  # noqa: N818 - the tree above names each by what happened
    """No usable answer came over the wire. The text names no credentials and no query string."""


class ConnectionFailed(WireFailure):
    """No connection: the name does not resolve, nobody listens, or TLS was refused. Nothing was sent."""


class ReplyLost(WireFailure):
    """The request was sent, wholly or in part, and the connection closed without an answer."""


class ReplyBroken(ReplyLost):
    """The answer broke off before its end, or is not HTTP."""


class WireTimeout(WireFailure):
    """The given seconds were over before the answer was complete."""


class ReplyTooLarge(WireFailure):
    """The answer exceeds the cap; reading stopped and the connection was dropped."""


class ReplyHeaders(Mapping[str, str]):
    """Reply headers, looked up without regard to case (RFC 9110 §5.1), indexed at the first look-up."""

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = pairs
        self._first: dict[str, str] | None = None

    def _index(self) -> dict[str, str]:
        if self._first is None:
            first: dict[str, str] = {}
            pairs = [(name.lower(), value) for name, value in self._pairs]
            for name, value in pairs:
                first.setdefault(name, value)
            self._pairs, self._first = pairs, first
        return self._first

    def __getitem__(self, name: str) -> str:
        return self._index()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index())

    def __len__(self) -> int:
        return len(self._index())

    def __repr__(self) -> str:
        return f"ReplyHeaders({', '.join(self)})"  # names only: values may be cookies

    def every(self, name: str) -> list[str]:
        """All values of a header that may be repeated, such as `Set-Cookie`."""
        self._index()
        wanted = name.lower()
        return [value for name, value in self._pairs if name == wanted]


class WireReply:
    """One complete answer.

    Attributes:
        status: HTTP status; redirects are not followed and arrive as 3xx.
        headers: Case-insensitive.
        body: Decompressed.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: ReplyHeaders, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"WireReply({self.status}, {len(self.body)} bytes)"


class WireStream(Protocol):
    """An answer whose body is still arriving."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> ReplyHeaders:
        """Case-insensitive."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The decompressed body piece by piece, to be read once.

        Raises:
            WireFailure: `ReplyBroken` if it breaks off, `WireTimeout` if a piece takes too long.
        """
        ...


class Wire(Protocol):
    """Sends requests. Connections are kept alive and shared; one wire serves all backends of a process."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        *,
        repeatable: bool = True,
    ) -> WireReply:
        """Send one request and read the whole answer; cancelling frees the connection.

        Args:
            method: HTTP method in capitals.
            url: Absolute.
            headers: Sent as they are; `Host`, `Content-Length` and `Accept-Encoding` are added.
            body: Sent with its length, or None.
            seconds: Seconds for all of it: connecting, sending, reading.
            repeatable: False if the request must not be sent twice. Otherwise a wire may repeat it once when its
                reply is lost, if the method is idempotent (RFC 9110 §9.2.2).

        Raises:
            WireFailure: See the module.
        """
        ...

    def stream(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> AbstractAsyncContextManager[WireStream]:
        """Send one request and hand over the answer while it arrives, of any size.

        Args:
            method: HTTP method in capitals.
            url: Absolute.
            headers: As for `send`.
            body: As for `send`.
            seconds: Seconds until the head of the answer, and again for each piece of the body.

        Raises:
            WireFailure: See the module.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection. The wire cannot be used afterwards."""
        ...

"""One server as the asyncio wire sees it: its address, its idle connections, its request heads."""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.resilience.wire_asyncio_connection import Connection

_MAX_IDLE = 64
_AUTHORITY_AT = len("https://")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Origin:
    """Scheme, host and port (RFC 9110 §4.3.1) with the connections kept to it, newest first out.

    Args:
        address: `http://host:port`.
        tls: None for plain http.
    """

    def __init__(self, address: str, tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("A wire takes http(s)://host[:port]/… without user and password.")
        self.host = parts.hostname
        self.host_header = parts.netloc
        self.loop = asyncio.get_running_loop()
        self._port = parts.port or (80 if tls is None else 443)
        self._tls = tls
        self._idle: deque[Connection] = deque()

    async def connect(self, idle_seconds: float) -> Connection:
        """A new connection.

        Raises:
            OSError: There is none to be had.
        """
        _, connection = await self.loop.create_connection(
            lambda: Connection(idle_seconds), self.host, self._port, ssl=self._tls
        )
        return connection

    def take(self) -> Connection | None:
        """An idle connection that is still good, if there is one."""
        now = self.loop.time()
        while self._idle:
            connection = self._idle.pop()
            fresh = now - connection.idle_since < connection.idle_limit
            if fresh and connection.usable and connection.silent:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, and drop the oldest that outlived their use."""
        if not connection.usable or len(self._idle) >= _MAX_IDLE:
            connection.abort()
            return
        connection.idle_since = self.loop.time()
        self._idle.append(connection)
        oldest = self._idle[0]
        if connection.idle_since - oldest.idle_since > oldest.idle_limit:
            self._idle.popleft().abort()

    def close(self) -> None:
        """Drop all idle connections."""
        while self._idle:
            self._idle.pop().abort()


def split_url(url: str) -> tuple[str, str]:
    """Origin and request target (RFC 9112 §3.2.1) of an absolute URL."""
    url = url.partition("#")[0]
    for at in range(_AUTHORITY_AT, len(url)):
        if url[at] in "/?":
            return url[:at], url[at:] if url[at] == "/" else f"/{url[at:]}"
    return url, "/"


def encode_request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The request as it goes over the wire (RFC 9112 §3).

    Raises:
        ValueError: A line break, space or character where none may be; nothing of it is sent.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body or b'')}")
    lines += ("", "")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if " " in target or not target.isascii() or "\0" in head:
        raise ValueError("The request target must be percent-encoded, and no header may hold a NUL.")
    if head.count("\n") != breaks or head.count("\r") != breaks:
        raise ValueError("A header or the request target holds a line break; it was not sent.")
    encoded = head.encode("latin-1")
    return encoded + body if body else encoded

"""The wire over asyncio itself: kept-alive HTTP/1.1 connections, parsed by llhttp. Why: decision 0004."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from shared.resilience.wire import (
    MAX_REPLY_BYTES,
    ConnectionFailed,
    ReplyBroken,
    ReplyHeaders,
    ReplyLost,
    WireReply,
    WireTimeout,
)
from shared.resilience.wire_asyncio_connection import Connection
from shared.resilience.wire_asyncio_origin import Origin, encode_request, split_url
from shared.resilience.wire_gzip import Gunzip, gunzip

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_GUNZIP_ON_LOOP_BYTES = 128 * 1024


class AsyncioWire:
    """`Wire` with a pool of connections per origin, in the loop that uses it.

    A kept-alive connection that is known to be closed before anything is written is replaced, unnoticed, for every
    request. If it closes later, that is so for idempotent methods of calls that may be repeated, once (RFC 9112
    §9.3.1); for others it is `ReplyLost`, because the server may have acted.

    Args:
        max_reply: Largest body `send` reads, in bytes after decompression.
        tls: Trust for https; the system's by default (`SSL_CERT_FILE` adds a private authority).
        connect_seconds: Longest wait for a connection, within the time of the call.
        idle_seconds: Unused connections are dropped after this, sooner where the server says so.
    """

    def __init__(
        self,
        *,
        max_reply: int = MAX_REPLY_BYTES,
        tls: ssl.SSLContext | None = None,
        connect_seconds: float = 5.0,
        idle_seconds: float = 15.0,
    ) -> None:
        self._max_reply = max_reply
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._origins: dict[str, Origin] = {}

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
        """As `Wire.send`."""
        origin, message = self._prepare(method, url, headers, body)
        ends = origin.loop.time() + seconds
        connection = origin.take()
        if connection is not None:
            try:
                return await self._exchange(origin, connection, method, message, seconds)
            except ReplyBroken:
                raise
            except ReplyLost:
                if not repeatable or method not in _IDEMPOTENT:
                    raise
        connection = await self._connected(origin, ends - origin.loop.time())
        return await self._exchange(origin, connection, method, message, ends - origin.loop.time())

    async def _exchange(
        self, origin: Origin, connection: Connection, method: str, message: bytes, seconds: float
    ) -> WireReply:
        timer = origin.loop.call_later(seconds, connection.expire)
        try:
            connection.request(method, message, self._max_reply)
            headers = await connection.whole()
        except BaseException:
            connection.abort()
            raise
        finally:
            timer.cancel()
        pieces = connection.pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        status = connection.status
        origin.give_back(connection)
        if headers.get("content-encoding") == "gzip" and body:
            body = await self._gunzipped(body)
        return WireReply(status, headers, body)

    async def _gunzipped(self, body: bytes) -> bytes:
        if len(body) <= _GUNZIP_ON_LOOP_BYTES:
            return gunzip(body, self._max_reply)
        return await asyncio.to_thread(gunzip, body, self._max_reply)

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> AsyncGenerator["_AsyncioStream"]:
        """As `Wire.stream`."""
        origin, message = self._prepare(method, url, headers, body)
        connection = await self._connected(origin, seconds)  # a fresh one: streams are few and long
        try:
            connection.request(method, message, None)
            yield await _AsyncioStream.begun(connection, seconds)
        except BaseException:
            connection.abort()
            raise
        if connection.complete and not connection.pieces:
            origin.give_back(connection)
        else:
            connection.abort()

    async def aclose(self) -> None:
        """As `Wire.aclose`."""
        for origin in self._origins.values():
            origin.close()
        self._origins.clear()
        await asyncio.sleep(0)  # lets the transports take notice

    def _prepare(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[Origin, bytes]:
        address, target = split_url(url)
        origin = self._origins.get(address)
        if origin is None or origin.loop is not asyncio.get_running_loop():
            origin = self._origins[address] = Origin(address, self._trust(address))
        return origin, encode_request(method, target, origin.host_header, headers, body)

    def _trust(self, address: str) -> ssl.SSLContext | None:
        if not address.startswith("https://"):
            return None
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def _connected(self, origin: Origin, seconds: float) -> Connection:
        try:
            async with asyncio.timeout(min(seconds, self._connect_seconds)):
                return await origin.connect(self._idle_seconds)
        except TimeoutError as error:
            raise ConnectionFailed(f"{origin.host} did not take the connection in time.") from error
        except OSError as error:  # includes name resolution and TLS
            raise ConnectionFailed(f"No connection to {origin.host}.") from error


class _AsyncioStream:
    def __init__(self, connection: Connection, headers: ReplyHeaders, seconds: float) -> None:
        self.status = connection.status
        self.headers = headers
        self._connection = connection
        self._seconds = seconds

    @classmethod
    async def begun(cls, connection: Connection, seconds: float) -> Self:
        try:
            async with asyncio.timeout(seconds):
                return cls(connection, await connection.head(), seconds)
        except TimeoutError as error:
            raise WireTimeout("The answer took too long to begin.") from error

    async def chunks(self) -> AsyncIterator[bytes]:
        gunzipping = Gunzip() if self.headers.get("content-encoding") == "gzip" else None
        while (piece := await self._piece()) is not None:
            if gunzipping is None:
                yield piece
            else:
                for plain in gunzipping.feed(piece):
                    yield plain
        if gunzipping is not None:
            gunzipping.finish()

    async def _piece(self) -> bytes | None:
        if self._connection.pieces:
            return await self._connection.piece()
        try:
            async with asyncio.timeout(self._seconds):
                return await self._connection.piece()
        except TimeoutError as error:
            raise WireTimeout("The next piece of the answer took too long.") from error

"""The wire over any httpx transport: sockets, an ASGI application, or somebody's own."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx

from shared.resilience.wire import (
    MAX_REPLY_BYTES,
    ConnectionFailed,
    ReplyBroken,
    ReplyHeaders,
    ReplyLost,
    ReplyTooLarge,
    WireReply,
    WireTimeout,
)

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


class HttpxWire:
    """`Wire` over an httpx transport.

    Args:
        transport: By default httpx's own connection pool.
        max_reply: Largest body `send` reads, in bytes after decompression.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, *, max_reply: int = MAX_REPLY_BYTES) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=15)
        self._transport = transport or httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        self._max_reply = max_reply

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
        """As `Wire.send`; a lost reply is asked for once more if `repeatable` and the method allow it."""
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                return await self._patiently(method, url, headers, body, repeatable=repeatable)
        except TimeoutError as error:
            raise WireTimeout("The answer took too long.") from error

    async def _patiently(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, repeatable: bool
    ) -> WireReply:
        try:
            return await self._once(_request(method, url, headers, body, None))
        except ReplyBroken:
            raise
        except ReplyLost:
            if not repeatable or method not in _IDEMPOTENT:
                raise
        return await self._once(_request(method, url, headers, body, None))

    async def _once(self, request: httpx.Request) -> WireReply:
        with _failures():
            response = await self._transport.handle_async_request(request)
            try:
                received = bytearray()
                async for piece in response.aiter_bytes():
                    received += piece
                    if len(received) > self._max_reply:
                        raise ReplyTooLarge(f"The answer exceeds {self._max_reply} bytes.")
                return WireReply(response.status_code, ReplyHeaders(response.headers.multi_items()), bytes(received))
            finally:
                await response.aclose()

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> AsyncGenerator["_HttpxStream"]:
        """As `Wire.stream`."""
        with _failures():
            response = await self._transport.handle_async_request(
                _request(method, url, headers, body, None if math.isinf(seconds) else seconds)
            )
        try:
            yield _HttpxStream(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """As `Wire.aclose`."""
        await self._transport.aclose()


class _HttpxStream:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = ReplyHeaders(response.headers.multi_items())

    async def chunks(self) -> AsyncIterator[bytes]:
        with _failures():
            async for piece in self._response.aiter_bytes():
                yield piece


def _request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float | None
) -> httpx.Request:
    limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    return httpx.Request(
        method,
        url,
        headers={"Accept-Encoding": "gzip", **headers},
        content=body,
        extensions={"timeout": limits},
    )


@contextmanager
def _failures() -> Generator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ConnectionFailed("No connection could be made.") from error
    except httpx.TimeoutException as error:
        raise WireTimeout("The answer took too long.") from error
    except httpx.RemoteProtocolError as error:
        if "without sending a response" in str(error):  # httpcore has one class for this and for broken answers
            raise ReplyLost("The connection closed without an answer.") from error
        raise ReplyBroken("The answer broke off or is not HTTP.") from error
    except httpx.DecodingError as error:
        raise ReplyBroken("The answer is not the compression it says it is.") from error
    except httpx.TransportError as error:
        raise ReplyLost("The connection closed without an answer.") from error

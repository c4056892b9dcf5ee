"""The wire over aiohttp."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from yarl import URL

from shared.resilience.wire import (
    MAX_REPLY_BYTES,
    ConnectionFailed,
    ReplyBroken,
    ReplyHeaders,
    ReplyLost,
    ReplyTooLarge,
    WireFailure,
    WireReply,
    WireTimeout,
)

_CHUNK_BYTES = 64 * 1024


class AiohttpWire:
    """`Wire` over one aiohttp session, opened at first use in the running loop.

    Args:
        max_reply: Largest body `send` reads, in bytes after decompression.
    """

    def __init__(self, *, max_reply: int = MAX_REPLY_BYTES) -> None:
        self._max_reply = max_reply
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                skip_auto_headers=("Accept", "User-Agent", "Content-Type"),
            )
        return self._session

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
        limit = aiohttp.ClientTimeout(total=seconds)
        with _failures():
            async with self._opened().request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                timeout=limit,
                allow_redirects=False,
                middlewares=() if repeatable else (_once,),
            ) as response:
                return WireReply(response.status, ReplyHeaders(response.headers.items()), await self._read(response))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > self._max_reply:
                response.close()
                raise ReplyTooLarge(f"The answer exceeds {self._max_reply} bytes.")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> AsyncGenerator["_AiohttpStream"]:
        """As `Wire.stream`."""
        limit = aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
        with _failures():
            response = await self._opened().request(
                method, URL(url, encoded=True), headers=headers, data=body, timeout=limit, allow_redirects=False
            )
        try:
            yield _AiohttpStream(response)
        finally:
            response.close() if not response.content.at_eof() else response.release()

    async def aclose(self) -> None:
        """As `Wire.aclose`."""
        if self._session is not None:
            await self._session.close()


class _AiohttpStream:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = ReplyHeaders(response.headers.items())

    async def chunks(self) -> AsyncIterator[bytes]:
        with _failures():
            async for piece in self._response.content.iter_chunked(_CHUNK_BYTES):
                yield piece


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from repeating idempotent methods by itself: it knows its own errors only."""
    with _failures():
        return await send(request)


@contextmanager
def _failures() -> Generator[None]:
    try:
        yield
    except WireFailure:
        raise
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ConnectionFailed("No connection could be made.") from error
    except TimeoutError as error:
        raise WireTimeout("The answer took too long.") from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
        raise ReplyBroken("The answer broke off or is not HTTP.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ReplyLost("The connection closed without an answer.") from error

"""The wire over pyreqwest (Rust: reqwest, hyper, rustls).

Known limits of pyreqwest 0.15, both shown by the wire suite: it reports a lost reply as `ConnectError`,
so that only its causes tell whether a request was sent; and cancelling the awaiting task leaves the
connection open until the request's own time is over.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, DecodeError, PyreqwestError, RequestTimeoutError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

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

_NEVER_CONNECTED = "client error (Connect)"
_LONGEST_SECONDS = 86_400.0
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


class PyreqwestWire:
    """`Wire` over one reqwest client with its own thread.

    Args:
        max_reply: Largest body `send` reads, in bytes after decompression.
    """

    def __init__(self, *, max_reply: int = MAX_REPLY_BYTES) -> None:
        self._max_reply = max_reply
        self._client: Client = ClientBuilder().follow_redirects(enable=False).no_proxy().brotli(enable=False).build()

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
            return await self._once(self._request(method, url, headers, body, seconds))
        except ReplyBroken:
            raise
        except ReplyLost:
            if not repeatable or method not in _IDEMPOTENT:
                raise
        return await self._once(self._request(method, url, headers, body, seconds))

    async def _once(self, request: StreamRequest) -> WireReply:
        with _failures():
            async with request as response:
                pieces: list[bytes] = []
                size = 0
                while (piece := await response.body_reader.read_chunk()) is not None:
                    pieces.append(bytes(piece))
                    size += len(piece)
                    if size > self._max_reply:
                        raise ReplyTooLarge(f"The answer exceeds {self._max_reply} bytes.")
                return WireReply(response.status, ReplyHeaders(response.headers.items()), b"".join(pieces))

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float | None
    ) -> StreamRequest:
        request = self._client.request(method, url).headers(headers)
        if seconds is not None:
            request = request.timeout(timedelta(seconds=min(seconds, _LONGEST_SECONDS)))
        else:
            request = request.streamed_read_buffer_limit(0)  # hand over the head as soon as it is here
        if body is not None:
            request = request.body_bytes(body)
        return request.build_streamed()

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> AsyncGenerator["_PyreqwestStream"]:
        """As `Wire.stream`."""
        request = self._request(method, url, headers, body, None)
        with _failures():
            try:
                async with asyncio.timeout(_finite(seconds)):
                    response = await request.__aenter__()
            except TimeoutError as error:
                raise WireTimeout("The answer took too long to begin.") from error
        try:
            yield _PyreqwestStream(response, seconds)
        finally:
            await request.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """As `Wire.aclose`."""
        await self._client.close()


class _PyreqwestStream:
    def __init__(self, response: Response, seconds: float) -> None:
        self._response = response
        self._seconds = seconds
        self.status = response.status
        self.headers = ReplyHeaders(response.headers.items())

    async def chunks(self) -> AsyncIterator[bytes]:
        with _failures(lost=ReplyBroken):
            try:
                while True:
                    async with asyncio.timeout(_finite(self._seconds)):
                        piece = await self._response.body_reader.read_chunk()
                    if piece is None:
                        return
                    yield bytes(piece)
            except TimeoutError as error:
                raise WireTimeout("The next piece of the answer took too long.") from error


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


@contextmanager
def _failures(lost: type[ReplyLost] = ReplyLost) -> Generator[None]:
    try:
        yield
    except RequestTimeoutError as error:
        raise WireTimeout("The answer took too long.") from error
    except DecodeError as error:
        raise ReplyBroken("The answer broke off or is not HTTP.") from error
    except ConnectError as error:
        if any(cause["message"] == _NEVER_CONNECTED for cause in error.details["causes"] or ()):
            raise ConnectionFailed("No connection could be made.") from error
        raise ReplyLost("The connection closed without an answer.") from error
    except PyreqwestError as error:
        raise lost("The connection closed before the answer was complete.") from error

"""One kept-alive HTTP/1.1 connection: writes a request, parses the answer with llhttp (RFC 9112)."""

import asyncio
import select
from collections import deque
from typing import cast

import httptools

from shared.resilience.wire import (
    ConnectionFailed,
    ReplyBroken,
    ReplyHeaders,
    ReplyLost,
    ReplyTooLarge,
    WireFailure,
    WireTimeout,
)

_MAX_HEAD_BYTES = 256 * 1024
_HIGH_WATER_BYTES = 1024 * 1024
_LOW_WATER_BYTES = 256 * 1024
_FIRST_FINAL_STATUS = 200
_MIN_KEEP_ALIVE_SECONDS = 1.0


class Connection(asyncio.Protocol):
    """Carries one exchange at a time.

    Attributes:
        status: Of the answer being read.
        headers: Of the answer being read; None until its head is complete.
        pieces: The body as it came, still compressed.
        complete: Whether the whole answer is here.
        reusable: Whether another request may follow on this connection.
        failure: Why there will be no complete answer.
        idle_limit: Seconds the server keeps the connection open between requests.
    """

    def __init__(self, idle_limit: float) -> None:
        self.idle_limit = idle_limit
        self.idle_since = 0.0
        self.status = 0
        self.headers: ReplyHeaders | None = None
        self.pieces: deque[bytes] = deque()
        self.complete = True
        self.reusable = True
        self.failure: WireFailure | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._incoming = select.poll()
        self._parser: httptools.HttpResponseParser | None = None
        self._pairs: list[tuple[str, str]] = []
        self._waiter: asyncio.Future[None] | None = None
        self._cap: int | None = None
        self._is_head = self._until_eof = self._paused = False
        self._received = self._size = 0

    @property
    def usable(self) -> bool:
        """Whether a request may be written now."""
        transport = self._transport
        return self.complete and self.reusable and transport is not None and not transport.is_closing()

    @property
    def silent(self) -> bool:
        """Whether the server has neither closed nor spoken since; asks the system, ahead of the loop."""
        return not self._incoming.poll(0)

    def request(self, method: str, message: bytes, cap: int | None) -> None:
        """Write a request.

        Args:
            method: Decides whether the answer has a body.
            message: Head and body.
            cap: Largest body in bytes, kept whole; None hands out pieces and holds the server back.
        """
        self.headers, self.failure = None, None
        self.complete = self._until_eof = False
        self.pieces, self._pairs = deque(), []
        self._received = self._size = 0
        self._cap = cap
        self._is_head = method == "HEAD"
        self._parser = httptools.HttpResponseParser(self)
        if self._transport is None or self._transport.is_closing():
            self._fail(ConnectionFailed("The connection closed before the request was written."))
        else:
            self._transport.write(message)

    async def whole(self) -> ReplyHeaders:
        """The headers, when the answer is complete.

        Raises:
            WireFailure: It will not be.
        """
        while not self.complete or self.headers is None:
            await self._change()
        return self.headers

    async def head(self) -> ReplyHeaders:
        """The headers, as soon as they are here.

        Raises:
            WireFailure: They will not come.
        """
        while self.headers is None:
            await self._change()
        return self.headers

    async def piece(self) -> bytes | None:
        """The next piece of the body, None after the last.

        Raises:
            WireFailure: The body broke off.
        """
        while not self.pieces:
            if self.complete:
                return None
            await self._change()
        piece = self.pieces.popleft()
        self._size -= len(piece)
        if self._paused and self._size < _LOW_WATER_BYTES and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return piece

    def expire(self) -> None:
        """Give up: the time for this exchange is over."""
        if not self.complete:
            self._fail(WireTimeout("The answer took too long."))

    def abort(self) -> None:
        """Drop the connection now, whatever is under way."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    async def _change(self) -> None:
        if self.failure is not None:
            raise self.failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self.failure is not None:
            raise self.failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: WireFailure) -> None:
        if self.failure is None and not self.complete:
            self.failure = failure
        self.abort()
        self._wake()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class inherits nothing
        self._incoming.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Bytes came; more than was asked for ends the connection."""
        if self.complete or self._parser is None:
            self.abort()  # nobody asked: a second answer here would be taken for the next request's
            return
        self._received += len(data)
        if self.headers is None and self._received > _MAX_HEAD_BYTES:
            self._fail(ReplyBroken("The head of the answer has no end."))
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(ReplyBroken("The answer is not HTTP/1.1."))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: the end of an answer without a length, or of our hopes."""
        self.reusable = False
        if self.complete:
            return
        if self._until_eof and exc is None and self.failure is None:
            self.on_message_complete()
        elif self._received:
            self._fail(ReplyBroken("The answer broke off."))
        else:
            self._fail(ReplyLost("The connection closed without an answer."))

    def on_message_begin(self) -> None:
        """An answer begins; a second one in the same breath spoils the connection."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        if self.headers is None:  # later ones are trailers
            self._pairs.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The head is complete and says how the body ends (RFC 9112 §6.3)."""
        parser = self._parser
        if parser is None or self.complete:
            return
        self.status = parser.get_status_code()
        if self.status < _FIRST_FINAL_STATUS:
            return
        self.headers = headers = ReplyHeaders(self._pairs)
        length = headers.get("content-length")
        self._until_eof = length is None and "transfer-encoding" not in headers
        self.reusable = parser.should_keep_alive() and not self._until_eof
        self._note_keep_alive(headers.get("keep-alive"))
        if self._is_head:
            self.reusable = False  # the parser would take the next answer for this one's body
            self.on_message_complete()
        elif self._cap is not None and length is not None and int(length) > self._cap:
            self._fail(ReplyTooLarge(f"The answer exceeds {self._cap} bytes."))
        elif self._cap is None:
            self._wake()

    def on_body(self, body: bytes) -> None:
        """A part of the body, without its chunk framing."""
        if self.complete or self.failure is not None:
            return
        self.pieces.append(body)
        self._size += len(body)
        if self._cap is None:
            self._hold_back()
            self._wake()
        elif self._size > self._cap:
            self._fail(ReplyTooLarge(f"The answer exceeds {self._cap} bytes."))

    def on_message_complete(self) -> None:
        """The answer is complete."""
        if self.headers is None:
            self._pairs = []  # a 1xx; the real answer follows (RFC 9110 §15.2)
        elif self.failure is None:
            self.complete = True
            self._wake()

    def _hold_back(self) -> None:
        if self._size > _HIGH_WATER_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _note_keep_alive(self, value: str | None) -> None:
        if value is None:
            return
        _, _, seconds = value.partition("timeout=")
        digits = seconds.partition(",")[0].strip()
        if digits.isdecimal():
            promised = float(digits) - _MIN_KEEP_ALIVE_SECONDS  # the server's clock started before ours
            self.idle_limit = min(self.idle_limit, promised)
            self.reusable = self.reusable and promised > 0

"""Keeps a fixed number of requests under way over kept-alive connections, as cheaply as Python can."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 10.0


@dataclass
class Load:
    """What came of one round.

    Attributes:
        seconds: Length of the round.
        answers: Answers with status 200.
        failures: Other answers, by status line.
        latencies: Seconds from request to answer, of every request.
    """

    seconds: float = 0.0
    answers: int = 0
    failures: dict[str, int] = field(default_factory=dict[str, int])
    latencies: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def latency_ms(self, share: float) -> float:
        """The latency that `share` of the requests stay below, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 if ordered else 0.0


class _Caller(asyncio.Protocol):
    """Asks, reads the whole answer, asks again until time is up."""

    def __init__(self, request: bytes, until: float, load: Load) -> None:
        self._request = request
        self._until = until
        self._load = load
        self._unread = b""
        self._needed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._load.failures["connection lost"] = self._load.failures.get("connection lost", 0) + 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._needed:
            self._needed = _length(self._unread)
        if self._needed and len(self._unread) >= self._needed:
            self._answered()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def _answered(self) -> None:
        now = time.perf_counter()
        if self._unread.startswith(b"HTTP/1.1 200"):
            self._load.answers += 1
        else:
            line = self._unread.partition(b"\r\n")[0].decode("latin-1")
            self._load.failures[line] = self._load.failures.get(line, 0) + 1
        self._load.latencies.append(now - self._asked)
        self._unread, self._needed = b"", 0
        if now < self._until:
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()


def _length(unread: bytes) -> int:
    """Length of the whole answer in bytes, or 0 while its head is incomplete."""
    head, found, _ = unread.partition(b"\r\n\r\n")
    if not found:
        return 0
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return len(head) + 4 + int(line[15:])
    raise ValueError("The answer has no Content-Length.")


async def apply_load(url: str, headers: dict[str, str], concurrency: int, seconds: float) -> Load:
    """Ask `url` with `concurrency` requests under way for `seconds`."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    load, loop, began = Load(), asyncio.get_running_loop(), time.perf_counter()
    callers = [_Caller(request, began + seconds, load) for _ in range(concurrency)]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, parts.hostname, parts.port)
    async with asyncio.timeout(seconds + _TIMEOUT_SECONDS):
        await asyncio.gather(*(caller.done for caller in callers))
    load.seconds = time.perf_counter() - began
    return load

"""Keeps a fixed number of requests under way over kept-alive connections, as cheaply as Python can."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 30.0
_AGAIN_SECONDS = 0.05
_OVERLOADED = b"HTTP/1.1 503"


@dataclass
class Load:
    """What came of one round.

    Attributes:
        seconds: Length of the round.
        answers: Answers with status 200.
        failures: Other answers, by status line.
        refusals: Times that a caller was told to come again, and did.
        latencies: Seconds from request to answer, of every request.
    """

    seconds: float = 0.0
    answers: int = 0
    failures: dict[str, int] = field(default_factory=dict[str, int])
    refusals: int = 0
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

    def __init__(self, requests: Iterator[bytes], until: float, load: Load, *, patient: bool) -> None:
        self._requests = requests
        self._until = until
        self._load = load
        self._patient = patient
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
        self._request = next(self._requests)
        self._transport.write(self._request)

    def _answered(self) -> None:
        now = time.perf_counter()
        if self._patient and self._unread.startswith(_OVERLOADED):
            self._load.refusals += 1
            self._unread, self._needed = b"", 0
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._transport.write, self._request)
            return
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


async def apply_load(
    url: str,
    headers: dict[str, str],
    concurrency: int,
    seconds: float,
    *,
    below: Sequence[str] = ("",),
    patient: bool = False,
) -> Load:
    """Ask `url` with `concurrency` requests under way for `seconds`, each caller once at least.

    Args:
        url: What to ask for.
        headers: Of every request.
        concurrency: Callers.
        seconds: How long they ask again.
        below: Ends of the URL, in turn.
        patient: Whether a caller that is refused for overload (503) asks again; its time goes on.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    fields = "".join(f"{name}: {value}\r\n" for name, value in {"host": parts.netloc, **headers}.items())
    requests = cycle([f"GET {parts.path}{end} HTTP/1.1\r\n{fields}\r\n".encode() for end in below])
    load, loop, began = Load(), asyncio.get_running_loop(), time.perf_counter()
    callers = [_Caller(requests, began + seconds, load, patient=patient) for _ in range(concurrency)]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, host, port)
    async with asyncio.timeout(seconds + _TIMEOUT_SECONDS):
        await asyncio.gather(*(caller.done for caller in callers))
    load.seconds = time.perf_counter() - began
    return load

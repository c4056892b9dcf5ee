"""Backends that answer from memory what the stand-in backends once answered, so that they are never the bottleneck.

    python -m customer_360.replay salesforce=http://127.0.0.1:41001 sap=http://127.0.0.1:41002

Prints its addresses as one line of JSON. A request that was never seen is passed on and its answer kept;
requests for tokens are told apart by path alone, because every assertion differs.

    GET  /__replay__               what was asked: {"calls": 3, "exchanges": [...]}
    POST /__replay__/forget        begin to count anew
    POST /__replay__/latency/0.005 answer so many seconds late
"""

import asyncio
import sys
from typing import Any
from urllib.parse import urlsplit

import httptools
import httpx
import msgspec
import uvloop

CONTROL = "/__replay__"
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "date", "server", "keep-alive"})
_NOT_FORWARDED = frozenset({"host", "connection", "content-length", "accept-encoding", "traceparent"})


class Exchange(msgspec.Struct, frozen=True):
    """A request as it came first."""

    backend: str
    method: str
    url: str
    headers: dict[str, str]
    body: str


class Recording(msgspec.Struct, frozen=True):
    """What was asked since counting began."""

    calls: int
    exchanges: list[Exchange]


class Memory:
    """Everything the replayed backends share."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.calls = 0
        self.addresses: dict[str, str] = {}
        self.answers: dict[bytes, bytes] = {}
        self.exchanges: dict[bytes, Exchange] = {}
        self.asked: dict[bytes, None] = {}

    def recording(self) -> Recording:
        return Recording(self.calls, [self.exchanges[key] for key in self.asked])

    def forget(self) -> None:
        self.calls = 0
        self.asked.clear()


class Backend:
    """One replayed backend in front of a stand-in backend."""

    def __init__(self, name: str, origin: str, memory: Memory, http: httpx.AsyncClient) -> None:
        self.name = name
        self.origin = origin
        self.memory = memory
        self._http = http

    def key(self, method: bytes, url: bytes, body: bytes) -> bytes:
        """What tells requests apart."""
        token = b"/token" in url.partition(b"?")[0]
        return b"%b %b %b%b" % (self.name.encode(), method, url, b"" if token else body)

    async def learn(self, key: bytes, asked: Exchange) -> bytes:
        """Ask the stand-in backend, and remember."""
        headers = {name: value for name, value in asked.headers.items() if name not in _NOT_FORWARDED}
        headers["accept-encoding"] = "identity"
        reply = await self._http.request(
            asked.method, self.origin + asked.url, headers=headers, content=asked.body.encode()
        )
        here = self.memory.addresses[self.name]
        answer = _answer(reply, self.origin.encode(), here.encode())
        self.memory.exchanges[key] = asked
        if reply.is_success:
            self.memory.answers[key] = answer
        return answer


def _answer(reply: httpx.Response, origin: bytes, here: bytes) -> bytes:
    body = reply.content.replace(origin, here)
    head = f"HTTP/1.1 {reply.status_code} {reply.reason_phrase or 'OK'}\r\n"
    for name, value in reply.headers.multi_items():
        if name not in _HOP_BY_HOP:
            head += f"{name}: {value}\r\n"
    return head.encode("latin-1") + b"content-length: %d\r\n\r\n" % len(body) + body


class Replaying(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._memory = backend.memory
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = self._body = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        memory = self._memory
        url = self._url
        if url.startswith(CONTROL.encode()):
            self._transport.write(_controlled(memory, url.decode()))
            return
        key = self._backend.key(self._parser.get_method(), url, self._body)
        memory.calls += 1
        memory.asked[key] = None
        answer = memory.answers.get(key)
        if answer is None:
            task = asyncio.create_task(self._learn(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif memory.latency:
            self._loop.call_later(memory.latency, self._transport.write, answer)
        else:
            self._transport.write(answer)

    async def _learn(self, key: bytes) -> None:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in self._headers}
        asked = Exchange(
            self._backend.name, self._parser.get_method().decode(), self._url.decode(), headers, self._body.decode()
        )
        self._transport.write(await self._backend.learn(key, asked))


def _controlled(memory: Memory, url: str) -> bytes:
    path = urlsplit(url).path.removeprefix(CONTROL)
    if path.startswith("/latency/"):
        memory.latency = float(path.removeprefix("/latency/"))
    elif path == "/forget":
        memory.forget()
    body = msgspec.json.encode(memory.recording())
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def main(origins: dict[str, str]) -> None:
    """Serve until ended."""
    memory, loop = Memory(), asyncio.get_running_loop()
    async with httpx.AsyncClient(timeout=10.0) as http:
        for name, origin in origins.items():
            backend = Backend(name, origin.rstrip("/"), memory, http)
            server = await loop.create_server(lambda backend=backend: Replaying(backend), "127.0.0.1", 0)
            memory.addresses[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        print(msgspec.json.encode(memory.addresses).decode(), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(dict(argument.split("=", 1) for argument in sys.argv[1:])))

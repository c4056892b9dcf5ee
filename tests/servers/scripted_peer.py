"""A server that gives prepared answers, whatever it is asked."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Peer:
    """Gives its answers: raw bytes each, the last one again and again; nothing, until the client leaves, for none."""

    answers: list[bytes]
    url: str = ""
    requests: list[bytes] = field(default_factory=list[bytes])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length")]
                length = int(lengths[0].split(b":")[1]) if lengths else 0
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if not answer:
                    await reader.read()
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peers() -> AsyncGenerator[Callable[..., Awaitable[Peer]]]:
    """Starts a `Peer` with these answers, each (status, body, headers…); silence for status 0."""
    servers: list[asyncio.Server] = []

    async def started(*answers: tuple[Any, ...]) -> Peer:
        made = Peer([_raw(*one) for one in answers])
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        servers.append(server)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return made

    yield started
    for server in servers:
        server.close()


def _raw(status: int, body: bytes = b"", *headers: str) -> bytes:
    if not status:
        return b""
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body

"""Oracle's connector over real sockets, and a peer that answers whatever it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.settings import OracleSettings


@pytest.fixture(scope="session")
async def wire() -> AsyncIterator[Wire]:
    opened = open_wire()
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def password(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("oracle") / "password"
    path.write_text("sandbox-only\n")
    return path


@pytest.fixture
def connect(wire: Wire, password: Path) -> Callable[..., OracleConnector]:
    """A connector for the pod at a URL."""

    def connected(url: str, secret: Path = password, **changed: Any) -> OracleConnector:
        chosen: dict[str, Any] = {"username": "TRIPTYCH", "retry_delays": (0.001, 0.002), **changed}
        settings = OracleSettings(url=url, password=Secret(f"file:{secret}"), **chosen)
        return OracleConnector(settings, Outbound(wire))

    return connected


@dataclass
class Peer:
    """A server that gives prepared answers, the last one again and again."""

    answers: list[bytes]
    url: str = ""
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length")]
                length = int(lengths[0].split(b":")[1]) if lengths else 0
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def peer() -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Starts a `Peer` with these answers; each is (status, body, headers…)."""
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
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body

"""Backends that misbehave, on real loopback sockets, each connection in a thread of its own."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server: "LoopbackServer", number: int) -> None:
        self.sock = sock
        self.server = server
        self.number = number
        self._unread = b""

    def read(self) -> bytes | None:
        """One request, head and body; None when the client is gone."""
        while b"\r\n\r\n" not in self._unread:
            piece = self.sock.recv(65536)
            if not piece:
                return None
            self._unread += piece
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(rest) < length:
            rest += self.sock.recv(65536)
        self._unread = rest[length:]
        request = head + b"\r\n\r\n" + rest[:length]
        self.server.requests.append(request)
        return request

    def send(self, answer: bytes) -> None:
        self.sock.sendall(answer)

    def answer(self, status: int = 200, body: bytes = b"{}", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def gone(self, seconds: float = 3.0) -> bool:
        """Whether the client closes within this time."""
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


class LoopbackServer:
    """Calls `behave(peer)` for every connection, then closes it."""

    def __init__(self, behave: Callable[[Peer], object]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.client_left = threading.Event()
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._peers: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._peers.append(sock)
            peer = Peer(sock, self, self.connections)
            threading.Thread(target=self._run, args=(peer,), daemon=True).start()

    def _run(self, peer: Peer) -> None:
        with contextlib.suppress(OSError), peer.sock:
            self._behave(peer)

    def close(self) -> None:
        for sock in (self._socket, *self._peers):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Peer], object]], LoopbackServer]]:
    """Start servers by behaviour; all end with the test."""
    servers: list[LoopbackServer] = []

    def start(behave: Callable[[Peer], object]) -> LoopbackServer:
        servers.append(LoopbackServer(behave))
        return servers[-1]

    yield start
    for server in servers:
        server.close()

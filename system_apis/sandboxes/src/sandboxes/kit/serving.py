"""Sandboxes on loopback ports, in the same process or on a thread beside a test."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from sandboxes.kit.asgi import ASGIApp, Receive, Scope, Send
from sandboxes.kit.clock import Clock
from sandboxes.kit.control import Watched
from sandboxes.kit.deferred import deferred
from sandboxes.kit.sandbox import DatabaseSandbox, Sandbox, discover

_HOST = "127.0.0.1"
_IDLE_SECONDS = 120  # longer than any client keeps an idle connection, so that no request meets a closing one
_DRAIN_SECONDS = 2.0


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 that lends the app its transport: a stand-in must be able to hang up without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = _lending(self.app, transport.close)  # type: ignore[assignment]


def _lending(app: Any, hang_up: Callable[[], None]) -> ASGIApp:
    async def lent(scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {"sandbox.hang_up": hang_up}
        await app(scope, receive, send)

    return lent


@asynccontextmanager
async def _listening(
    sandbox: Sandbox, state: Path | None, clock: Clock, ports: Mapping[str, int]
) -> AsyncGenerator[dict[str, str]]:
    """Serve one sandbox on the running loop; yields its URLs by name. Requests under way get to finish."""
    create = partial(sandbox.create, state, clock)
    app = deferred(create) if sandbox.deferred else create()
    config = Config(
        Watched(app, clock),  # type: ignore[arg-type]
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=_IDLE_SECONDS,
    )
    config.load()
    connections = ServerState()
    loop = asyncio.get_running_loop()
    port = ports.get(sandbox.name, 0)
    server = await loop.create_server(lambda: _Protocol(config, connections, {}), _HOST, port, backlog=512)
    try:
        async with AsyncExitStack() as stack:
            urls = {sandbox.name: f"http://{_HOST}:{server.sockets[0].getsockname()[1]}"}
            for name, beside in app.beside.items():
                full = f"{sandbox.name}-{name}"
                urls[full] = await stack.enter_async_context(beside(ports.get(full, 0)))
            yield urls
    finally:
        server.close()
        for connection in tuple(connections.connections):
            connection.shutdown()
        if connections.tasks:
            await asyncio.wait(tuple(connections.tasks), timeout=_DRAIN_SECONDS)
        app.close()


async def serve_all(
    state: Path,
    only: frozenset[str],
    ready: Callable[[Mapping[str, str]], None],
    until: asyncio.Event,
    ports: Mapping[str, int],
) -> None:
    """Serve every sandbox (or `only` these), state in `state`; `ready` gets the URLs, `until` ends it all.

    `ports` says where some must listen; the rest takes free ports.
    """
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        for name, sandbox in discover(only).items():
            path = state / f"{name}.sqlite3"
            if isinstance(sandbox, DatabaseSandbox):
                urls[name] = sandbox.create(path)
            else:
                urls |= await stack.enter_async_context(_listening(sandbox, path, Clock(), ports))
        ready(urls)
        await until.wait()


@asynccontextmanager
async def serve_sandbox(
    sandbox: Sandbox | str, *, state: Path | None = None, clock: Clock | None = None
) -> AsyncGenerator[str]:
    """Serve one sandbox, or the one of this name, from a thread of its own; yields its base URL.

    State is kept in memory unless `state` names a file. Blocking clients may call it from the test's thread.
    """
    found = discover(frozenset({sandbox}))[sandbox] if isinstance(sandbox, str) else sandbox
    if isinstance(found, DatabaseSandbox):
        raise TypeError(f"{found.name} is a database file; call its create(path) instead of serving it.")
    served = _Thread(found, state, clock or Clock())
    url = await served.start()
    try:
        yield url
    finally:
        await served.stop()


class _Thread:
    """A loop on a thread that serves one sandbox."""

    def __init__(self, sandbox: Sandbox, state: Path | None, clock: Clock) -> None:
        self._sandbox, self._state, self._clock = sandbox, state, clock
        self._stopped = asyncio.Event()
        self._caller = asyncio.get_running_loop()
        self._url: asyncio.Future[str] = self._caller.create_future()
        self._thread = threading.Thread(target=self._run, name=f"sandbox-{sandbox.name}", daemon=True)

    async def start(self) -> str:
        self._thread.start()
        return await self._url

    async def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            self._loop = runner.get_loop()
            try:
                runner.run(self._serve())
            except Exception as failed:  # noqa: BLE001 - handed to the test that waits for the URL
                self._tell(partial(self._url.set_exception, failed))

    async def _serve(self) -> None:
        async with _listening(self._sandbox, self._state, self._clock, {}) as urls:
            self._tell(partial(self._url.set_result, urls[self._sandbox.name]))
            await self._stopped.wait()

    def _tell(self, callback: Callable[[], object]) -> None:
        self._caller.call_soon_threadsafe(callback)

"""Serves an ASGI application with granian inside our own event loop, until told to stop."""

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a tenth of a second that a command which serves nothing need not spend
    from litestar.types import ASGIApp

BACKLOG = 1024
HEADER_SECONDS = 10.0
KILL_SECONDS = 5
LISTEN_SECONDS = 60.0
"""An open event stream must not keep a process from ending for longer than this."""


class PortTaken(Exception):  # noqa: N818 - reads as what it is
    """Somebody listens there already; the text says how to choose another port."""


def require_free(host: str, port: int) -> None:
    """Raises PortTaken when nothing can listen at `host:port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} cannot be used ({error.strerror}); choose another one, e.g. PORT={port + 1}."
            ) from None


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def serving(app: "ASGIApp", host: str, port: int) -> AsyncGenerator[None]:
    """Serve `app` for the length of the block; on the way out requests under way may finish."""
    from granian.constants import Interfaces  # noqa: PLC0415 - see above
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.server.embed import Server  # noqa: PLC0415

    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=int(HEADER_SECONDS * 1000)),
    )
    server.workers_kill_timeout = KILL_SECONDS
    task = asyncio.create_task(server.serve())
    try:
        await _until_listening(task, host, port)
        yield
    finally:
        server.stop()
        await asyncio.wait([task], timeout=KILL_SECONDS + 1)


async def _until_listening(task: "asyncio.Task[None]", host: str, port: int) -> None:
    for _ in range(int(LISTEN_SECONDS / 0.01)):
        if task.done():
            await task
            raise PortTaken(f"The server at {host}:{port} ended before it listened.")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise PortTaken(f"The server at {host}:{port} does not listen after {LISTEN_SECONDS:.0f} seconds.")


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until_stopped() -> None:
    """Wait for SIGTERM or SIGINT."""
    await stop_signal().wait()

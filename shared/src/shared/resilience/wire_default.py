"""Which library moves the bytes, decided in docs/decisions/0004-wire-engine.md."""

from importlib import import_module
from typing import Literal

from shared.resilience.wire import MAX_REPLY_BYTES, Wire

WireName = Literal["asyncio", "aiohttp", "pyreqwest", "httpx"]

_WIRES: dict[WireName, str] = {
    "asyncio": "AsyncioWire",
    "aiohttp": "AiohttpWire",
    "pyreqwest": "PyreqwestWire",
    "httpx": "HttpxWire",
}


def open_wire(name: WireName = "asyncio", *, max_reply: int = MAX_REPLY_BYTES) -> Wire:
    """A wire for all backends of this process; close it with `aclose`.

    Args:
        name: The library; the others than the default are imported only when asked for.
        max_reply: Largest body `send` reads, in bytes after decompression.
    """
    module = import_module(f"shared.resilience.wire_{name}")
    wire: Wire = getattr(module, _WIRES[name])(max_reply=max_reply)
    return wire

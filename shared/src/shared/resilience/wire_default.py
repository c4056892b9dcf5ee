"""Which library moves the bytes, decided in docs/decisions/0004-wire-engine.md."""

from shared.resilience.wire import MAX_REPLY_BYTES, Wire
from shared.resilience.wire_aiohttp import AiohttpWire


def open_wire(*, max_reply: int = MAX_REPLY_BYTES) -> Wire:
    """A wire for all backends of this process; close it with `aclose`.

    Args:
        max_reply: Largest body `send` reads, in bytes after decompression.
    """
    return AiohttpWire(max_reply=max_reply)

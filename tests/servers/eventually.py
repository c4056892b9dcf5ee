"""Waiting in tests: for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any


async def eventually(look: Callable[[], Any], *, within: float = 60.0, every: float = 0.01) -> Any:
    """What `look` answers, awaited if need be, as soon as that is true; it is asked every `every` seconds.

    `within` seconds are the patience of a machine that has much else to do, not what anybody expects.
    Raises AssertionError with the last answer when they are over.
    """
    ends = asyncio.get_running_loop().time() + within
    while True:
        seen = look()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return seen
        assert asyncio.get_running_loop().time() < ends, f"still {seen!r} after {within:g} seconds"
        await asyncio.sleep(every)

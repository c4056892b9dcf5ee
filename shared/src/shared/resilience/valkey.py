"""Valkey as it is asked here; its driver is imported by who connects, because that takes a third of a start's time."""

import hashlib
from collections.abc import Awaitable
from typing import Any, Protocol


class Valkey(Protocol):
    """A connection to Valkey or Redis, as `redis.asyncio.Redis` is one."""

    def execute_command(self, *args: Any) -> Awaitable[Any]:
        """Send one command, and return its answer.

        Raises:
            redis.exceptions.RedisError, OSError: The server cannot be reached or refuses.
        """
        ...


class Script:
    """A Lua script on one key, whose text goes only to a server that does not know it yet.

    Args:
        text: The script.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, valkey: Valkey, key: str, *arguments: Any, first: tuple[str, ...] = ()) -> list[int]:
        """What it returns. A new or restarted server does not know it, and is sent the command `first` before it.

        Raises:
            redis.exceptions.RedisError, OSError: The server cannot be reached or refuses.
        """
        try:
            return await valkey.execute_command("EVALSHA", self._name, 1, key, *arguments)
        except Exception as refused:
            from redis.exceptions import NoScriptError  # noqa: PLC0415 - see the top

            if not isinstance(refused, NoScriptError):
                raise
        if first:
            await valkey.execute_command(*first)
        return await valkey.execute_command("EVAL", self._text, 1, key, *arguments)

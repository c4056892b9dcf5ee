"""Who holds a backend's slots, as one sorted set on Valkey or Redis: each holder with the time its lease ends."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

PREFIX = "triptych:slots:"

_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local slots, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 4, #ARGV do redis.call('ZADD', KEYS[1], now + lease, ARGV[i]) end
local taken = 0
if ARGV[3] ~= '' and redis.call('ZCARD', KEYS[1]) < slots then
  redis.call('ZADD', KEYS[1], now + lease, ARGV[3])
  taken = 1
end
redis.call('PEXPIRE', KEYS[1], lease * 2)
return {taken, redis.call('ZCARD', KEYS[1])}
"""
_SHA = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()  # names the script in EVALSHA


async def take(
    valkey: Redis, name: str, slots: int, lease: float, holder: str, held: Sequence[str]
) -> tuple[bool, int]:
    """Renew the leases of `held`, and take a slot for `holder` if one is free and `holder` is not empty.

    Returns:
        Whether it was taken, and how many are held by all.

    Raises:
        redis.exceptions.RedisError, OSError: The server cannot be reached or refuses.
    """
    execute = cast(Callable[..., Awaitable[list[int]]], valkey.execute_command)  # pyright: ignore[reportUnknownMemberType] - redis leaves it untyped
    arguments = (PREFIX + name, slots, int(lease * 1000), holder, *held)
    try:
        taken, count = await execute("EVALSHA", _SHA, 1, *arguments)
    except NoScriptError:  # a new or restarted server
        taken, count = await execute("EVAL", _TAKE, 1, *arguments)
    return bool(taken), count


async def give_back(valkey: Redis, name: str, holder: str) -> None:
    """End a lease.

    Raises:
        redis.exceptions.RedisError, OSError: The server cannot be reached; the lease then ends by itself.
    """
    execute = cast(Callable[..., Awaitable[int]], valkey.execute_command)  # pyright: ignore[reportUnknownMemberType]
    await execute("ZREM", PREFIX + name, holder)

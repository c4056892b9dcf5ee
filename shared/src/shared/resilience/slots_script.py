"""Who holds a backend's slots, as one sorted set on Valkey or Redis: each holder with the time its lease ends."""

from collections.abc import Sequence

from shared.resilience.valkey import Script, Valkey

PREFIX = "triptych:slots:"

_TAKE = Script("""
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
""")


async def take(
    valkey: Valkey, name: str, slots: int, lease: float, holder: str, held: Sequence[str]
) -> tuple[bool, int]:
    """Renew the leases of `held`, and take a slot for `holder` if one is free and `holder` is not empty.

    Returns:
        Whether it was taken, and how many are held by all.

    Raises:
        redis.exceptions.RedisError, OSError: The server cannot be reached or refuses.
    """
    taken, count = await _TAKE.run(valkey, PREFIX + name, slots, int(lease * 1000), holder, *held)
    return bool(taken), count


async def give_back(valkey: Valkey, name: str, holder: str) -> None:
    """End a lease.

    Raises:
        redis.exceptions.RedisError, OSError: The server cannot be reached; the lease then ends by itself.
    """
    await valkey.execute_command("ZREM", PREFIX + name, holder)

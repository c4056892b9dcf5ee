"""The generic cell rate algorithm (GCRA) as one atomic script on Valkey or Redis, on the server's clock.

Per client the server keeps the theoretical arrival time (`tat`, ITU-T I.371) and how many permits went out
as leases in the current and the previous lease period. A leased permit may be spent until its lease ends,
so it occupies its place in the bucket until then: the bucket never refills past `burst` minus what is
out. Hence over *every* stretch of time, not only since the start, at most `rate * t + burst` requests are
admitted by all processes together.
"""

from typing import NamedTuple

from shared.resilience.valkey import Script, Valkey

_GCRA = Script("""
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, burst, needed, extra, debt, lease = tonumber(ARGV[1]), tonumber(ARGV[2]),
  tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local tat, period, current, previous = now, 0, 0, 0
local stored = redis.call('GET', KEYS[1])
if stored then
  local a, b, c, d = string.match(stored, '^(%d+) (%d+) (%d+) (%d+)$')
  tat, period, current, previous = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
end
local this = math.floor(now / lease)
if this == period + 1 then previous, current = current, 0
elseif this ~= period then previous, current = 0, 0 end

local horizon = now + burst * interval
-- debt may overdraw by one burst; the limit also heals a tat left far ahead by a stepped clock or a shrunk policy
local furthest = horizon + burst * interval
local base = math.min(math.max(tat, now + (current + previous) * interval) + debt * interval, furthest)
local granted = math.max(0, math.min(needed + extra, math.floor((horizon - base) / interval + 0.000001)))
current = current + math.max(0, granted - needed)
if granted > 0 or debt > 0 or tat > furthest then
  tat = math.ceil(base + granted * interval)
  local keep = math.ceil((math.max(tat - now, 0) + 2 * lease) / 1000)
  redis.call('SET', KEYS[1], string.format('%.0f %.0f %.0f %.0f', tat, this, current, previous), 'PX', keep)
  base = tat
end
local room = math.max(0, math.floor((horizon - base) / interval + 0.000001))
return {granted, room, math.ceil(base - now), math.ceil(math.max(0, base + interval - horizon))}
""")


class Grant(NamedTuple):
    """What the server gave: permits, what is left at once, seconds until full, seconds until one more."""

    permits: int
    remaining: int
    reset_seconds: float
    retry_after: float


class Ask(NamedTuple):
    """One question to the server; durations in seconds.

    Attributes:
        key: The account.
        interval: Seconds between two permits at the allowed rate.
        burst: Permits available at once.
        needed: Permits that will be spent at once.
        extra: Permits wanted for a lease on top.
        debt: Permits already spent without asking, charged even when that overdraws the account.
        lease: How long leased permits stay spendable.
    """

    key: str
    interval: float
    burst: int
    needed: int
    extra: int
    debt: float
    lease: float


async def grant(valkey: Valkey, ask: Ask) -> Grant:
    """Charge the account and say how many permits were granted, 0 to `needed + extra`.

    Raises:
        redis.exceptions.RedisError, OSError: The server cannot be reached or refuses.
    """
    arguments = (
        ask.key,
        repr(ask.interval * 1e6),
        ask.burst,
        ask.needed,
        ask.extra,
        repr(ask.debt),
        int(ask.lease * 1e6),
    )
    permits, remaining, reset, retry = await _GCRA.run(valkey, *arguments)
    return Grant(permits, remaining, reset / 1e6, retry / 1e6)

"""The ledger of a budget as one atomic script on Valkey or Redis, on the server's clock.

One hash per budget: `b<n>` our calls in bucket n, `o<n>` the most that others had used while n was in progress, and
the totals. Each visit first drops what has rolled out, so it costs the same however long nobody came.
"""

from collections.abc import Callable

import msgspec

from shared.resilience.quota_books import NAMES, PREFIX, read_budget
from shared.resilience.quota_budget import ALERT_LEVELS, Budget
from shared.resilience.quota_forecast import Snapshot
from shared.resilience.quota_ledger import Balance, Errand
from shared.resilience.valkey import Script, Valkey

_SETTLE = Script("""
local h, width, kept = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local needed, extra, withheld, debt = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local back, back_to, used, said, unspent = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]),
  tonumber(ARGV[13]), tonumber(ARGV[14])
local age = tonumber(ARGV[15])
local now = tonumber(ARGV[1])
if not now then local t = redis.call('TIME'); now = t[1] * 1000 + math.floor(t[2] / 1000) end
local current = math.floor(now / width)

local was = redis.call('HMGET', h, 'oldest', 'newest', 'ours', 'seen', 'looked', 'allowed', 'level')
local oldest, newest, ours = tonumber(was[1]) or current, tonumber(was[2]) or current, tonumber(was[3]) or 0
local seen, looked, allowed, level = tonumber(was[4]) or -1, tonumber(was[5]) or -1, tonumber(was[6]) or 0,
  tonumber(was[7]) or 0
if newest > current + kept then -- the clock was far ahead: what stands in the future counts from now on
  for i = oldest, newest do redis.call('HDEL', h, 'b' .. i, 'o' .. i) end
  redis.call('HSET', h, 'b' .. current, ours)
  oldest, newest, seen, looked = current, current, -1, -1
end
if newest > current then current = newest; now = newest * width end -- it was set back: time stands still
local first = current - kept
for i = oldest, math.min(first - 1, newest) do
  ours = ours - (tonumber(redis.call('HGET', h, 'b' .. i)) or 0)
  redis.call('HDEL', h, 'b' .. i, 'o' .. i)
end
oldest = math.max(oldest, first)

local function book(bucket, number)
  if number ~= 0 then redis.call('HINCRBY', h, 'b' .. bucket, number); ours = ours + number end
end
if back > 0 and back_to >= oldest then
  book(back_to, -math.min(back, tonumber(redis.call('HGET', h, 'b' .. back_to)) or 0))
end
book(current, debt)
if used >= 0 and now - age >= current * width then
  allowed, seen = said, current
  local most = math.max(0, used - (ours - unspent), tonumber(redis.call('HGET', h, 'o' .. current)) or 0)
  redis.call('HSET', h, 'o' .. current, most)
end
local others = 0
for i = math.max(seen - math.floor(kept / 24) + 1, first), seen do
  others = math.max(others, tonumber(redis.call('HGET', h, 'o' .. i)) or 0)
end
local limit, cap = allowed > 0 and allowed or tonumber(ARGV[4]), tonumber(ARGV[5])
if cap > 0 then limit = math.min(limit, cap) end

local ceiling = limit - math.ceil(limit * withheld)
local room, granted, wait = ceiling - ours - others, 0, 0
local because_of_others = others > 0 and ours < ceiling
if needed > 0 then
  granted = math.max(0, math.min(needed, room))
  granted = granted + math.max(0, math.min(extra, math.floor((room - granted) / 100)))
  if granted == 0 and because_of_others and seen < current - 1 and looked < current then
    granted, looked = 1, current
  end
  book(current, granted)
  if granted == 0 then
    local short, free = 1 - room, current
    for i = oldest, current do
      short = short - (tonumber(redis.call('HGET', h, 'b' .. i)) or 0)
      if short <= 0 then free = i; break end
    end
    free = free + kept + 1
    if because_of_others then free = math.min(free, math.max(seen + 2, current + 1)) end
    wait = free * width - now
  end
end

local percent, reached, crossed = limit > 0 and (ours + others) * 100 / limit or 100, 0, 0
for each in string.gmatch(ARGV[16], '%d+') do if percent >= tonumber(each) then reached = tonumber(each) end end
if reached > level then crossed, level = reached, reached
elseif reached < level and percent < level - 2 then level = reached end
redis.call('HSET', h, 'oldest', oldest, 'newest', current, 'ours', ours, 'seen', seen, 'looked', looked,
  'allowed', allowed, 'level', level, 'terms', ARGV[17])
redis.call('PEXPIRE', h, (kept + 2) * width)
return {granted, current, (current + 1) * width - now, ours, others, limit, wait, crossed, level}
""")


class ValkeyLedger:
    """A budget's books on Valkey, shared by every process that names the same budget.

    Args:
        valkey: The server.
        budget: Its terms; kept beside the books, for whoever reads them.
        clock: Unix seconds instead of the server's time.
    """

    def __init__(self, valkey: Valkey, budget: Budget, clock: Callable[[], float] | None = None) -> None:
        self._valkey = valkey
        self._budget = budget
        self._clock = clock
        self._terms = msgspec.json.encode(budget)
        self._levels = " ".join(map(str, ALERT_LEVELS))
        self._known = False

    async def settle(self, errand: Errand) -> Balance:
        """See `Ledger`.

        Raises:
            redis.exceptions.RedisError, OSError: The server cannot be reached or refuses.
        """
        budget = self._budget
        now = "" if self._clock is None else int(self._clock() * 1000)
        arguments = (
            PREFIX + budget.name, now, budget.width_ms, budget.buckets, budget.allowance, budget.cap, errand.needed,
            errand.extra, repr(errand.withheld), errand.debt, errand.returned, errand.returned_to, errand.used,
            errand.allowed, errand.unspent, int(errand.age * 1000), self._levels, self._terms,
        )  # fmt: skip
        if not self._known:
            await self._valkey.execute_command("SADD", NAMES, budget.name)
            self._known = True
        granted, bucket, ends_in, ours, others, limit, wait, crossed, level = await _SETTLE.run(
            self._valkey,
            *arguments,
            first=("SADD", NAMES, budget.name),  # which a new server does not have either
        )
        return Balance(granted, bucket, ends_in / 1000, ours, others, limit, wait / 1000, crossed, level)

    async def read(self) -> Snapshot:
        """See `Ledger`."""
        now = None if self._clock is None else self._clock()
        return await read_budget(self._valkey, self._budget.name, now) or Snapshot(budget=self._budget, now=now or 0.0)

"""The org's allowances, counted over the last 24 hours (or the last hour) of the sandbox clock."""

from collections import defaultdict, deque

from sandboxes.kit import Clock
from sandboxes.salesforce.faults import ApiError

_DAY = 24
_HOUR_SECONDS = 3_600
CALLS = "DailyApiRequests"
BULK_BATCHES = "DailyBulkApiBatches"
BULK_QUERIES = "DailyBulkV2QueryJobs"
STREAMED_EVENTS = "DailyStreamingApiEvents"
PUBLISHED_EVENTS = "HourlyPublishedPlatformEvents"
ALLOWANCES = {
    "ConcurrentAsyncGetReportInstances": 200,
    CALLS: 100_000,
    "DailyAsyncApexExecutions": 250_000,
    BULK_BATCHES: 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    BULK_QUERIES: 10_000,
    "DailyDeliveredPlatformEvents": 50_000,
    "DailyDurableStreamingApiEvents": 200_000,
    STREAMED_EVENTS: 200_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 10_240,
    "FileStorageMB": 10_240,
    "HourlyODataCallout": 20_000,
    PUBLISHED_EVENTS: 250_000,
    "MassEmail": 5_000,
    "MonthlyPlatformEvents": 0,
    "SingleEmail": 5_000,
}


class _Window:
    """What was used in the last `hours`, by the hour."""

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._buckets: deque[list[int]] = deque()
        self._total = 0

    def total(self, hour: int) -> int:
        while self._buckets and self._buckets[0][0] <= hour - self._hours:
            self._total -= self._buckets.popleft()[1]
        return self._total

    def add(self, hour: int, amount: int) -> None:
        if not self._buckets or self._buckets[-1][0] != hour:
            self._buckets.append([hour, 0])
        self._buckets[-1][1] += amount
        self._total += amount


class Usage:
    """How much of its allowances the org has used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[str, _Window] = {}
        self.reset()

    @property
    def calls(self) -> int:
        """API calls in the last 24 hours."""
        return self.used(CALLS)

    def used(self, name: str) -> int:
        """How much of an allowance is used now."""
        return self._used[name].total(self._hour())

    def count(self) -> None:
        """Count one API call; ApiError REQUEST_LIMIT_EXCEEDED when the allowance is used up."""
        if self.calls >= self.allowances[CALLS]:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.add(1)

    def spend(self, name: str, amount: int) -> None:
        """Use some of another allowance; ApiError LIMIT_EXCEEDED, and nothing is used, when it does not suffice."""
        if self.used(name) + amount > self.allowances[name]:
            raise ApiError(400, "LIMIT_EXCEEDED", f"{name} limit exceeded: at most {self.allowances[name]}")
        self.add(amount, name)

    def spent(self, name: str) -> bool:
        """Whether an allowance is used up."""
        return self.used(name) >= self.allowances[name]

    def add(self, amount: int, name: str = CALLS) -> None:
        """Count without asking whether it is allowed."""
        self._used[name].add(self._hour(), amount)

    @property
    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.calls}/{self.allowances[CALLS]}"

    def limits(self) -> dict[str, dict[str, int]]:
        """What GET limits answers."""
        return {
            name: {"Max": most, "Remaining": max(0, most - self.used(name))}
            for name, most in sorted(self.allowances.items())
        }

    def reset(self) -> None:
        """Nothing used, every allowance as in the beginning."""
        self._used = defaultdict(lambda: _Window(_DAY))
        self._used[PUBLISHED_EVENTS] = _Window(1)
        self.allowances = dict(ALLOWANCES)

    def _hour(self) -> int:
        return int(self._clock.timestamp() // _HOUR_SECONDS)

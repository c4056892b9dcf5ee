"""The org's API allowances, counted over the last 24 hours of the sandbox clock."""

from collections import deque

from sandboxes.kit import Clock
from sandboxes.salesforce.faults import ApiError

_DAY = 24
_HOUR_SECONDS = 3_600
ALLOWANCES = {
    "ConcurrentAsyncGetReportInstances": 200,
    "DailyApiRequests": 100_000,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 50_000,
    "DailyDurableStreamingApiEvents": 200_000,
    "DailyStreamingApiEvents": 200_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 10_240,
    "FileStorageMB": 10_240,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 250_000,
    "MassEmail": 5_000,
    "MonthlyPlatformEvents": 0,
    "SingleEmail": 5_000,
}


class Usage:
    """How many API calls the org made, and how many it may make."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hours: deque[list[int]] = deque(maxlen=_DAY)
        self._total = 0
        self.allowances = dict(ALLOWANCES)

    @property
    def calls(self) -> int:
        """API calls in the last 24 hours."""
        oldest = int(self._clock.timestamp() // _HOUR_SECONDS) - _DAY
        while self._hours and self._hours[0][0] <= oldest:
            self._total -= self._hours.popleft()[1]
        return self._total

    def count(self) -> None:
        """Count one API call; ApiError REQUEST_LIMIT_EXCEEDED when the allowance is used up."""
        if self.calls >= self.allowances["DailyApiRequests"]:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.add(1)

    def add(self, calls: int) -> None:
        """Count calls without asking whether they are allowed."""
        hour = int(self._clock.timestamp() // _HOUR_SECONDS)
        if not self._hours or self._hours[-1][0] != hour:
            self._hours.append([hour, 0])
        self._hours[-1][1] += calls
        self._total += calls

    @property
    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.calls}/{self.allowances['DailyApiRequests']}"

    def limits(self) -> dict[str, dict[str, int]]:
        """What GET limits answers."""
        limits = {name: {"Max": most, "Remaining": most} for name, most in sorted(self.allowances.items())}
        limits["DailyApiRequests"]["Remaining"] = max(0, self.allowances["DailyApiRequests"] - self.calls)
        return limits

    def reset(self) -> None:
        """No calls made, every allowance as in the beginning."""
        self._hours.clear()
        self._total = 0
        self.allowances = dict(ALLOWANCES)

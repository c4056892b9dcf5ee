"""How much of the org's 24-hour allowance of API calls is used, as Salesforce says with every reply."""

import re

from shared.resilience.wire import WireReply
from shared.telemetry.metrics import gauge

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_used = gauge("triptych_salesforce_api_calls_used", "API calls the org made in the last 24 hours.")
_allowed = gauge("triptych_salesforce_api_calls_allowed", "API calls the org may make in 24 hours.")


class ApiUsage:
    """The latest `Sforce-Limit-Info` (REST API Developer Guide, "Limit Info Header"). Salesforce does the refusing.

    Attributes:
        used: API calls of the whole org in the last 24 hours, None before the first reply.
        allowed: API calls it may make in 24 hours, None before the first reply.
    """

    def __init__(self) -> None:
        self.used: int | None = None
        self.allowed: int | None = None

    async def take(self) -> None:
        """Nothing to wait for: the allowance is the org's, not ours alone."""

    def observe(self, reply: WireReply) -> None:
        """Note what a reply says."""
        header = reply.headers.get("sforce-limit-info")
        found = None if header is None else _USAGE.search(header)
        if found is None:
            return
        self.used, self.allowed = int(found[1]), int(found[2])
        _used.set(self.used)
        _allowed.set(self.allowed)

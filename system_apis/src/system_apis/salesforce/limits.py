"""The org's rolling 24-hour allowance of API calls, and what Salesforce says about it with every reply."""

import re

from shared.resilience.quota import Treasurer
from shared.resilience.quota_budget import Budget, Share
from shared.resilience.wire import WireReply

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_FORBIDDEN = 403
_USED_UP = b"REQUEST_LIMIT_EXCEEDED"
UNTOLD_ALLOWANCE = 100_000
"""What we count with until the org has spoken: the Enterprise Edition's allowance without any licences."""


def call_budget(name: str, cap: int, reserve: Share, last_reserve: Share) -> Budget:
    """The budget of one org's API calls in 24 hours."""
    return Budget(name=name, allowance=UNTOLD_ALLOWANCE, cap=cap, reserve=reserve, last_reserve=last_reserve)


class ApiUsage:
    """Spends the org's calls and hears `Sforce-Limit-Info` (REST API Developer Guide, "Limit Info Header").

    Attributes:
        treasurer: Who spends them.
        used: API calls of the whole org in the last 24 hours by the latest reply, None before the first.
        allowed: API calls it may make in 24 hours, None before the first reply.
    """

    def __init__(self, treasurer: Treasurer) -> None:
        self.treasurer = treasurer
        self.used: int | None = None
        self.allowed: int | None = None
        self.take = treasurer.take
        self.repeat = treasurer.repeat

    def observe(self, reply: WireReply) -> None:
        """Note what a reply says."""
        header = reply.headers.get("sforce-limit-info")
        found = None if header is None else _USAGE.search(header)
        if found is not None:
            self.used, self.allowed = int(found[1]), int(found[2])
        elif self.allowed and _says_used_up(reply):
            self.used = self.allowed
        else:
            return
        self.treasurer.observe(self.used, self.allowed)


def _says_used_up(reply: WireReply) -> bool:
    """Whether the day's calls are refused; calls at once (`ConcurrentRequests`) are another allowance."""
    return reply.status == _FORBIDDEN and _USED_UP in reply.body and b"Concurrent" not in reply.body

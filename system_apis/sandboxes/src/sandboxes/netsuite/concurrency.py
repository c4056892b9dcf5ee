"""How many requests the account works on at a time, over SOAP, REST and RESTlets together."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

STANDARD_LIMIT = 15  # service tier 1 without SuiteCloud Plus licences


class TooManyRequestsError(Exception):
    """All slots are taken; each channel says so in its own way."""


class Concurrency:
    """The account's slots.

    `others` slots are taken by integrations that are not there, and each request may be made to take `seconds`,
    so that the limit is felt without a crowd. Of the limit, `own` slots may be set aside for the caller's integration
    (0: none), which then has no others.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The standard limit, nobody else."""
        self.limit, self.others, self.seconds, self.own = STANDARD_LIMIT, 0, 0.0, 0
        self._working = 0
        self.most = self.refused = 0

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """One request at work.

        Raises:
            TooManyRequestsError: as many are at work as the account may have.
        """
        if self._working + self.others >= self.limit or (self.own and self._working >= self.own):
            self.refused += 1
            raise TooManyRequestsError
        self._working += 1
        self.most = max(self.most, self._working)
        try:
            if self.seconds:
                await asyncio.sleep(self.seconds)
            yield
        finally:
            self._working -= 1

    def change(self, body: dict[str, Any]) -> dict[str, float]:
        """`{"limit": 5, "others": 4, "seconds": 0.2, "own": 2}`; each stays as it was when left out."""
        self.limit = int(body.get("limit", self.limit))
        self.others = int(body.get("others", self.others))
        self.own = int(body.get("own", self.own))
        self.seconds = float(body.get("seconds", self.seconds))
        return self.figures()

    def figures(self) -> dict[str, float]:
        """The settings, the most requests that were at work at once, and how many were refused."""
        return {
            "limit": self.limit,
            "others": self.others,
            "seconds": self.seconds,
            "own": self.own,
            "most": self.most,
            "refused": self.refused,
        }

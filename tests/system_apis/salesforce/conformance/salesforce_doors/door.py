"""What every door is asked: to do a piece of work that can be gone on with, and to show what came of it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings

Midway = Callable[[], Awaitable[None]]
V = "/services/data/v66.0"


class Point(NamedTuple):
    """A request of a door's work: the first that matches after so many others."""

    method: str
    path: str
    after: int = 0
    at_start: bool = False
    """Whether it comes before the middle of the work."""


class World:
    """Where doors work: the org, settings, and connectors that share nothing but their wire."""

    def __init__(self, org: Any, settings: SalesforceSettings, wire: Wire) -> None:
        self.org, self.settings, self._wire = org, settings, wire

    def connector(self) -> SalesforceConnector:
        """As another process would begin: no session, circuit closed, nothing remembered."""
        return SalesforceConnector(self.settings, Outbound(self._wire))

    def with_settings(self, **changes: Any) -> "World":
        return World(self.org, msgspec.structs.replace(self.settings, **changes), self._wire)

    async def names(self, soql: str) -> list[str]:
        """What an administrator sees: the Name of each row."""
        rows = (await self.org.rest("GET", "/query", params={"q": soql}))["records"]
        return sorted(row["Name"] for row in rows)


class Door:
    """One door and one piece of work through it.

    Args:
        world: Where.
        key: Tells this work from all other.
    """

    name: ClassVar[str]
    points: ClassVar[dict[str, Point]]
    writes_at_once: ClassVar[bool] = False
    """Whether the work is one write, so that after a problem all stands or nothing."""
    all_at_start: ClassVar[bool] = False
    """Whether it has no middle, so that whatever happens comes before."""
    quick: ClassVar[dict[str, Any]] = {}
    """Settings with which it notices soon that no answer comes; without, its caller's deadline ends."""
    session_status: ClassVar[int] = 401
    session_refusal: ClassVar[Any] = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    """How its API says that a token is not accepted."""

    def __init__(self, world: World, key: str) -> None:
        self.world, self.key = world, key

    @property
    def wanted(self) -> Sequence[str]:
        """What there is when all is done."""
        raise AssertionError(self)

    async def work(self, midway: Midway) -> None:
        """Do it, or go on with it; `midway` is awaited in its middle."""
        raise AssertionError(self)

    async def found(self) -> Sequence[str]:
        """What there is; what was written or received twice is there twice."""
        raise AssertionError(self)

    async def go_on(self) -> None:
        """Do it again after a problem, as another process would, with what it was told."""
        await self.work(_nothing)

    async def aclose(self) -> None:
        """Leave the org as the next one may find it."""


async def _nothing() -> None:
    pass

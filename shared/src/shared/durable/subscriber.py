"""Keeps a subscription: reads events, starts flows and moves the position, batch by batch."""

import asyncio
from contextlib import suppress
from typing import Any

from shared.binding.problems import Problem
from shared.durable.flow import shape_of
from shared.durable.journal import Consumption, FlowRecord, Journal
from shared.durable.runner import FlowRunner
from shared.durable.subscription import Subscription
from shared.messaging.event_source import OLDEST, EventSource, PositionExpired
from shared.telemetry.logging import get_logger

BATCH = 100
"""Events dealt with in one commit."""

_WAIT = 20.0  # seconds for which one read waits for news
_PAUSE = 1.0  # seconds after a failure
_STOPPED = 30.0  # seconds between two looks whether a position that expired can be read again
_log = get_logger("durable")


class Subscriber:
    """Keeps one subscription while it runs.

    Args:
        runner: Starts the flows; it must have been given theirs.
        journal: Keeps the position.
        subscription: What to take.
        source: Where from.

    Attributes:
        trouble: Why no event is taken now; empty when all is well.
    """

    def __init__(
        self, runner: FlowRunner, journal: Journal, subscription: Subscription[Any, Any], source: EventSource
    ) -> None:
        if shape_of(subscription.flow).kind not in runner.kinds:
            raise TypeError(
                f"The subscription {subscription.name} starts {subscription.flow.__name__}, which its API does not run."
            )
        self.subscription = subscription
        self.trouble = ""
        self._runner = runner
        self._journal = journal
        self._source = source
        self._position: str | None = None
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, where the subscription stands."""
        self._loop = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Take no more events."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    async def look(self, wait_seconds: float = 0.0) -> int:
        """Deal with the next batch; returns how many events that were, 0 too when another process was quicker.

        Raises PositionExpired, and what the source and the journal raise.
        """
        position = await self._stand()
        events = await self._source.read(position, BATCH, wait_seconds)
        if not events:
            return 0
        wanted = (self.subscription.flow_for(event, self._runner) for event in events)
        flows = tuple(flow for flow in wanted if flow is not None)
        moved = await self._move(position, events[-1].position, flows)
        for flow in flows if moved else ():
            if flow.state == "dead":
                _log.error("subscription.dead_letter", subscription=self.subscription.name, flow_id=flow.flow_id)
        return len(events) if moved else 0

    # --- inside --------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            pause = 0.0
            try:
                await self.look(_WAIT)
                self.trouble = ""
            except PositionExpired as problem:
                pause = await self._expired(problem)
            except Exception as error:  # noqa: BLE001 - a source or a journal that is away ends no subscription
                self.trouble = error.detail if isinstance(error, Problem) else type(error).__name__
                _log.error("subscription.failed", subscription=self.subscription.name, error=self.trouble)
                pause = _PAUSE
            await asyncio.sleep(pause)

    async def _stand(self) -> str:
        """Where this subscription stands; a new one is registered."""
        if self._position is None:
            name = self.subscription.name
            known = next((c for c in await self._journal.consumers() if c.consumer == name), None)
            if known is None:
                begin = OLDEST if self.subscription.begin == "oldest" else await self._source.latest()
                await self._runner.consume(Consumption(name, self._source.name, None, begin))
                return await self._stand()
            if known.source != self._source.name:
                raise RuntimeError(f"The consumer {name} reads {known.source}; give this subscription another name.")
            self._position = known.position
        return self._position

    async def _move(self, position: str, to: str, flows: tuple[FlowRecord, ...] = ()) -> bool:
        self._position = None  # until the journal said that we are there
        moved = await self._runner.consume(Consumption(self.subscription.name, self._source.name, position, to, flows))
        if moved is not None:
            self._position = to
        return moved is not None

    async def _expired(self, problem: PositionExpired) -> float:
        """Follow the subscription's rule; returns the seconds until the next look."""
        rule = self.subscription.if_expired
        _log.error("subscription.expired", subscription=self.subscription.name, rule=rule, error=problem.detail)
        with suppress(Problem):  # tried again with the next look
            if rule != "stop" and self._position:
                await self._move(self._position, OLDEST if rule == "oldest" else await self._source.latest())
                return _PAUSE
        self.trouble = f"stopped: {problem.detail}"
        self._position = None
        return _STOPPED

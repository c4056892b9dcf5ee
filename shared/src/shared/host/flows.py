"""Runs the durable flows of the Process APIs in this process, each under its own API's identity."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from shared.binding.call_context import CallContext, Principal, calling
from shared.binding.declare import Contract
from shared.binding.operation import Operation
from shared.binding.problems import Problem
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.archive_upkeep import ArchiveUpkeep
from shared.durable.archivist import Archivist
from shared.durable.attempt import StepExecutor
from shared.durable.codec import PayloadCodec
from shared.durable.directory import FlowDirectory
from shared.durable.event_log import EventLog
from shared.durable.feed_source import Feed, FeedSource
from shared.durable.flow_watch import FlowWatch
from shared.durable.journal_retention import Ages, RetentionJournal
from shared.durable.outbox_source import OutboxSource
from shared.durable.outbox_upkeep import OutboxUpkeep
from shared.durable.runner import FlowRunner
from shared.durable.schedule import Scheduler
from shared.durable.subscriber import Subscriber
from shared.durable.subscription import Subscription
from shared.host.api import Api
from shared.host.identity import OWN_LIFETIME_SECONDS, own_principal
from shared.messaging.event_source import EventSource

Peer = Callable[[Api, type[Contract]], Contract]


class FlowHost:
    """The journal of this process and a runner for each API that has flows.

    Args:
        journal: Not yet open.
        issuer: `iss` of the identities the flows work under.
        peer: Gives an API its client of a contract.
        codec: Seals what the journal holds.
        archive: Where old flows go.
        ages: How long they stay.
        age_of_events: Seconds for which events are kept at least.
        subscribing: Whether events start flows in this process.
    """

    def __init__(
        self, journal: RetentionJournal, issuer: str, peer: Peer, codec: PayloadCodec, archive: ArchiveFolder,
        ages: Ages, age_of_events: float, *, subscribing: bool = True,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._codec = codec
        self._issuer = issuer
        self._peer = peer
        self._runners: dict[type[Contract], FlowRunner] = {}
        self._schedulers: list[Scheduler] = []
        self._directory = FlowDirectory()
        self._subscribing = subscribing
        self._outbox = OutboxSource(journal, codec)
        self._log = EventLog(self._outbox, journal)
        self._subscribers: list[Subscriber] = []
        self._upkeep = OutboxUpkeep(journal, age_of_events)
        self._archive = archive
        self._archiving = ArchiveUpkeep(Archivist(journal, archive, ages, codec))
        self._watch = FlowWatch(journal)

    def provided_for(self, api: Api) -> dict[type[Any], Any]:
        """What an API's constructor may ask for: all flows and events here, and its FlowRunner if it has flows."""
        shared: dict[type[Any], Any] = {FlowDirectory: self._directory, EventLog: self._log}
        if not api.flows:
            return shared
        execute = _executor(api, self._issuer, self._peer)
        runner = FlowRunner(self._journal, api.flows, execute, codec=self._codec, archive=self._archive)
        self._runners[api.contract] = runner
        self._directory.add(runner)
        if api.schedules:
            self._schedulers.append(Scheduler(runner, api.schedules, time.time))
        for subscription in api.subscriptions if self._subscribing else ():
            self._subscribe(api, runner, subscription)
        return {**shared, FlowRunner: runner}

    async def start(self) -> None:
        """Open the journal and begin to work, on what an earlier process left unfinished first of all."""
        if self._runners:
            await self._journal.open()
        for runner in self._runners.values():
            await runner.start()
        for scheduler in self._schedulers:
            scheduler.start()
        for subscriber in self._subscribers:
            subscriber.start()
        if self._runners:
            self._upkeep.start()
            self._archiving.start()
            self._watch.start()

    async def health(self) -> tuple[bool, str]:
        """Whether the journal answers, and how many flows have not ended well."""
        if not self._runners:
            return True, "no flows run in this process"
        try:
            async with asyncio.timeout(0.5):
                counts = await self._journal.counts()
                consumers = await self._journal.consumers()
        except (Problem, TimeoutError) as error:
            return False, f"the journal does not answer ({type(error).__name__}); no new order is accepted meanwhile"
        troubled = [f"{each.subscription.name} {each.trouble}" for each in self._subscribers if each.trouble]
        behind = [f"{each.consumer} is {each.behind} events behind" for each in consumers if each.behind]
        flows = [f"{count} {state}" for state, count in counts.items() if count]
        return not troubled, ", ".join([*troubled, *flows, *behind]) or "nothing is under way"

    async def stop(self) -> None:
        """Stop at step boundaries and close the journal; the next start carries on."""
        await self._archiving.stop()
        await self._upkeep.stop()
        await self._watch.stop()
        for subscriber in self._subscribers:
            await subscriber.stop()
        for scheduler in self._schedulers:
            await scheduler.stop()
        for runner in self._runners.values():
            await runner.stop()
        if self._runners:
            await self._journal.close()

    def _subscribe(self, api: Api, runner: FlowRunner, subscription: Subscription[Any, Any]) -> None:
        if subscription.name in {each.subscription.name for each in self._subscribers}:
            raise TypeError(f"Two subscriptions are called {subscription.name}; one would miss what the other took.")
        source = self._outbox if subscription.source is None else self._feed(api, subscription.source)
        self._subscribers.append(Subscriber(runner, self._journal, subscription, source))

    def _feed(self, api: Api, feed: Feed) -> EventSource:
        """A channel of another API, read as `api` itself."""
        identity = _OwnIdentity(api, self._issuer)
        context = CallContext(priority="batch")
        return FeedSource(
            feed, lambda: self._peer(api, feed.contract), lambda: context.replace(principal=identity.current())
        )


def _executor(api: Api, issuer: str, peer: Peer) -> StepExecutor:
    """Performs a step as `api` itself: a flow may outlive every token of who started it."""
    identity = _OwnIdentity(api, issuer)

    async def execute(operation: Operation, arguments: Mapping[str, Any], context: CallContext) -> Any:
        client = peer(api, operation.contract)
        with calling(context.replace(principal=identity.current())):
            return await getattr(client, operation.name)(**arguments)

    return execute


class _OwnIdentity:
    """An API's own principal, renewed at half its life so that a step never starts with a stale one."""

    def __init__(self, api: Api, issuer: str) -> None:
        self._api = api
        self._issuer = issuer
        self._principal: Principal | None = None

    def current(self) -> Principal:
        if self._principal is None or self._principal.expires_at < time.time() + OWN_LIFETIME_SECONDS / 2:
            self._principal = own_principal(self._api, self._issuer)
        return self._principal

"""One process of a topology: its APIs built, wired, served, and taken down in order."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from shared.binding.client import http_client
from shared.binding.declare import Contract
from shared.binding.inbound import Inbound
from shared.binding.inline import inline_client
from shared.host.api import Api
from shared.host.drift_watch import DriftWatch
from shared.host.embedded import valkey_client
from shared.host.flow_journal import age_of_events, ages_of, archive_of, journal_of
from shared.host.flows import FlowHost
from shared.host.health import Health
from shared.host.placement import Placement
from shared.host.runtime import VERSION, Runtime
from shared.host.sealing import open_key_ring
from shared.host.settings import read_settings
from shared.host.topology import process_of
from shared.host.trust import Trust
from shared.host.wiring import Wiring
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.resilience.circuit_breaker import CircuitState
from shared.resilience.doubt import Doubts
from shared.resilience.load_shedding import Shedder
from shared.resilience.outbound import Outbound
from shared.resilience.quota_treasury import Treasury
from shared.resilience.rate_limit import RateLimiter
from shared.resilience.rate_limit_policy import DEFAULT_TIERS
from shared.resilience.wire import Wire
from shared.resilience.wire_default import open_wire
from shared.security.access_token import TokenVerifier
from shared.security.issuer import Issuer
from shared.security.key_ring import KeyRing
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import breaker_state

MAX_IN_FLIGHT = 512
RECEIVER_PATIENCE = 1.0
"""Seconds a write with an Idempotency-Key waits for Valkey before it is refused with 503."""

_log = get_logger("host")


class Process:
    """Everything alive in one process.

    Args:
        runtime: Addresses and state.
        placement: What is served where.
        journal: File name of the flows' journal in the state directory, unless the topology names a database.
        subscribing: Whether events start flows in this process, if the topology lets them.
    """

    def __init__(
        self, runtime: Runtime, placement: Placement, *, journal: str = "journal.db", subscribing: bool = True
    ) -> None:
        self.runtime = runtime
        self.placement = placement
        self.state = Path(runtime.state)
        self.health = Health(placement.process, VERSION)
        self.shedder = Shedder(MAX_IN_FLIGHT)
        self._trust = Trust(runtime, placement)
        self._valkey = valkey_client(runtime.valkey)
        tiers = {**DEFAULT_TIERS, **placement.topology.tiers}
        self._limiter = RateLimiter(self._valkey, tiers, processes=len(placement.topology.processes))
        self._treasury = Treasury(self._valkey, processes=len(placement.topology.processes))
        self._doubts = Doubts(self._valkey)
        self._key_ring = key_ring = open_key_ring(placement.topology, self.state)
        receiver = IdempotentReceiver(self._valkey, codec=key_ring, patience=RECEIVER_PATIENCE)
        self.inbound = Inbound(self._limiter, receiver)
        self._wire: Wire = open_wire()
        self._wirings: dict[type[Contract], Wiring] = {}
        self._shared: dict[str, Wiring] = {}
        self._clients: dict[tuple[type[Contract], type[Contract]], Contract] = {}
        self._stack = AsyncExitStack()  # also of a process that is asked things and never started
        for opened in (self._wire, self._trust, self._valkey, self._limiter, self._treasury):
            self._stack.push_async_callback(opened.aclose)
        self._circuits: dict[str, CircuitState] = {}
        self.implementations: dict[Api, Contract] = {}
        flow_journal = journal_of(placement.topology, self.state / journal)
        archive, ages = archive_of(placement.topology, self.state), ages_of(placement.topology)
        subscribing = subscribing and placement.topology.subscriptions
        self._flows = FlowHost(
            flow_journal, runtime.issuer, self.peer, key_ring, archive, ages, age_of_events(placement.topology),
            subscribing=subscribing,
        )  # fmt: skip

    @property
    def issuer(self) -> Issuer | None:
        """The embedded issuer, if this process serves it."""
        return self._trust.issuer

    @property
    def verifier(self) -> TokenVerifier:
        """Verifies the tokens that come in here."""
        return self._trust.verifier

    async def start(self) -> None:
        """Build every service, then start what has a `start`, dependencies first."""
        self.health.add("valkey", self._valkey_answers, vital=False)
        self.health.add("journal", self._flows.health, vital=False)
        self.health.add("backends", self._circuits_closed, vital=False)
        self.health.add("quotas", self._treasury.health, vital=False)
        self.implementations = {api: self._implementation(api) for api in self.placement.here}
        for wiring in dict.fromkeys(self._wirings.values()):
            for built in wiring.built:
                await self._start(built)
        await self._valkey_answers()  # so that the first caller does not pay for the connection
        await self._treasury.start()
        await self._flows.start()
        self._stack.push_async_callback(self._flows.stop)
        await self._watch_drift()
        lag = asyncio.create_task(self.shedder.watch_lag())
        self._stack.callback(lag.cancel)
        self.health.started = True
        apis = [api.contract.slug for api in self.placement.here]
        _log.info("process.started", process=self.placement.process, apis=apis)

    async def _watch_drift(self) -> None:
        guarded = [(api.contract, guard) for api in self.placement.here if (guard := api.drift)]
        guards = {contract.slug: self._wirings[contract].build(guard) for contract, guard in guarded}
        watch = DriftWatch(guards, self.placement.topology.drift)
        self._stack.push_async_callback(watch.aclose)
        await watch.start()

    def stop_waiting(self) -> None:
        """Be about to stop: not ready any more, and what waits for news (`stop_waiting`) waits no longer."""
        self.health.stopping = True
        for built in (built for wiring in dict.fromkeys(self._wirings.values()) for built in wiring.built):
            if stop_waiting := getattr(built, "stop_waiting", None):
                stop_waiting()

    async def stop(self) -> None:
        """Stop taking work, let flows come to a step boundary, close what was opened."""
        self.health.stopping = True
        await self._stack.aclose()
        _log.info("process.stopped", process=self.placement.process)

    def peer(self, caller: Api, callee: type[Contract]) -> Contract:
        """A client of `callee` for `caller`: in-process if it is served here, else over HTTP."""
        key = (caller.contract, callee)
        if key not in self._clients:
            self._clients[key] = self._client(caller, callee)
        return self._clients[key]

    def _client(self, caller: Api, callee: type[Contract]) -> Contract:
        api = self.placement.api_of(callee)
        identity = self._trust.identity_at(callee, caller)
        if api in self.placement.here:
            return inline_client(callee, self._implementation(api), self.inbound, identity)
        url = self.runtime.processes[process_of(self.placement.topology, api)]
        return http_client(callee, url, self._wire, self._trust.token_for(callee, identity))

    def _implementation(self, api: Api) -> Contract:
        wiring = self._wirings.get(api.contract) or self._shared.get(api.parts)
        if wiring is None:
            provided: dict[type[Any], Any] = {
                Outbound: Outbound(
                    self._wire, on_change=self._note_circuit, treasury=self._treasury, doubts=self._doubts
                ),
                KeyRing: self._key_ring,
                **self._flows.provided_for(api),
            }
            wiring = Wiring(provided, partial(self.peer, api), self._settings)
            self._shared[api.parts] = wiring
        self._wirings[api.contract] = wiring
        return wiring.build(api.service)

    def _settings(self, kind: type[msgspec.Struct]) -> msgspec.Struct:
        return read_settings(kind, self.placement.topology.backends, self.runtime.sandboxes, self.state)

    async def _start(self, built: Any) -> None:
        if start := getattr(built, "start", None):
            await start()
        if aclose := getattr(built, "aclose", None):
            self._stack.push_async_callback(aclose)

    def _note_circuit(self, backend: str, state: CircuitState) -> None:
        breaker_state(backend, state)
        self._circuits[backend] = state

    async def _circuits_closed(self) -> tuple[bool, str]:
        troubled = [f"{backend} ({state})" for backend, state in self._circuits.items() if state != "closed"]
        return not troubled, f"circuits not closed: {', '.join(troubled)}" if troubled else "every circuit is closed"

    async def _valkey_answers(self) -> tuple[bool, str]:
        try:
            async with asyncio.timeout(0.5):
                await self._valkey.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues]
        except Exception as error:  # noqa: BLE001 - any failure is the answer
            return False, f"does not answer ({type(error).__name__}); limits are decided locally meanwhile"
        return True, "answers"

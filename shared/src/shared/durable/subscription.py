"""Subscriptions: flows that start when something has happened.

    Subscription(
        "order-fulfilment", OrderPlaced, FollowOrder,
        key=lambda placed: f"{placed.order_id}-fulfilment", request=lambda placed: OrderToFollow(placed.order_id),
    )

What another API tells of its backend is subscribed to in the same way, with
`source=Feed(SalesforceEvents, "/data/AccountChangeEvent")`.

Events are read in order and each starts one flow, or finds that its key stands for one already. The consumer's position
moves in the commit that starts them, so a crash neither misses an event nor starts a flow twice, and any number of
processes may keep the same subscription: of two who take the same events, one moves the position and the other reads on
from there.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.operation import explain
from shared.binding.problems import Invalid, Problem
from shared.durable.attempt import fault
from shared.durable.feed_source import Feed
from shared.durable.flow import Flow
from shared.durable.journal import FlowRecord
from shared.durable.runner import FlowRunner
from shared.messaging.event_source import Event, event_type

_Event = TypeVar("_Event", bound=msgspec.Struct)
_Request = TypeVar("_Request")

IfExpired = Literal["oldest", "latest", "stop"]
"""What follows when a source no longer has what comes after our position: take the oldest it has (what is between is
missed), only what happens from now on, or stop until an operator decides."""

_SHOWABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:\-]{0,120}")


@dataclass(frozen=True)
class Subscription(Generic[_Event, _Request]):
    """Which events start which flow.

    Attributes:
        name: Kebab case; the consumer's position is kept under it, so it stays.
        event: Taken at this version or an older one, which it must still fit; others of its source are passed over.
        flow: What starts.
        key: The flow's business key. A key that is taken starts nothing.
        request: What the flow is asked for.
        begin: Where a new subscription begins.
        if_expired: See `IfExpired`.
        source: Whose events these are: a channel of another API, or what flows publish here when None.
    """

    name: str
    event: type[_Event]
    flow: type[Flow[_Request, Any]]
    key: Callable[[_Event], str]
    request: Callable[[_Event], _Request]
    begin: Literal["oldest", "latest"] = "oldest"
    if_expired: IfExpired = "stop"
    source: Feed | None = None

    def __post_init__(self) -> None:
        """Raises TypeError for events that could not be taken, ValueError for a name that could not be kept."""
        event_type(self.event)
        if not re.fullmatch(r"[a-z][a-z0-9\-]{0,79}", self.name):
            raise ValueError(f"{self.name!r} cannot name a subscription; use up to 80 of a-z, 0-9 and -.")

    def flow_for(self, event: Event, runner: FlowRunner) -> FlowRecord | None:
        """What an event starts: a flow, or a dead letter when it cannot be understood; None when it is another's."""
        if event.type != event_type(self.event).name:
            return None
        context = CallContext(traceparent=event.traceparent, correlation_id=event.correlation_id)
        try:
            happened = self._decoded(event)
            return runner.prepared(self.flow, self.key(happened), self.request(happened), context)
        except Problem as refusal:
            why = refusal
        except Exception as error:  # noqa: BLE001 - the subscription's own functions; those behind must not wait
            why = fault("subscription.fault", error, subscription=self.name, event_id=event.id)
        why.extensions |= {
            "subscription": self.name, "eventId": event.id, "eventType": event.type, "eventVersion": event.version,
            "position": event.position, "occurredAt": event.occurred_at.isoformat(), "producer": event.producer,
        }  # fmt: skip
        return runner.letter(self.flow, self.letter_id(event), _kept(event.payload), why, context)

    def letter_id(self, event: Event) -> str:
        """The id of the dead letter for an event, always the same: `order-fulfilment:order-0Q0…:12`."""
        shown = event.id.replace("/", ":")
        if not _SHOWABLE.fullmatch(shown) or re.fullmatch(r".*\.\d+", shown):
            shown = hashlib.sha256(event.id.encode()).hexdigest()[:32]
        return f"{self.name}:{shown}"

    def _decoded(self, event: Event) -> _Event:
        mine = event_type(self.event)
        if event.unreadable:
            raise Invalid(f"Event {event.id} cannot be read. {event.unreadable}")
        if event.version > mine.version:
            raise Invalid(
                f"Event {event.id} has version {event.version} of {event.type}, and {self.name} knows up to "
                f"{mine.version}; start the flow by hand, or edit this one's request and resume it."
            )
        try:
            return msgspec.json.decode(event.payload, type=self.event)
        except msgspec.MsgspecError as error:
            raise Invalid(
                f"Event {event.id} does not fit {event.type}; edit this flow's request and resume it.",
                errors=[explain(error, self.event)],
            ) from None


def _kept(payload: bytes) -> bytes:
    """What a dead letter shows as its request: the event, if an operator's merge patch can be applied to it."""
    try:
        msgspec.json.decode(payload)
    except msgspec.MsgspecError:
        return b"{}"
    return payload

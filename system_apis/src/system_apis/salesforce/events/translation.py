"""Events of Salesforce as events of ours: types in kebab case, fields by name, our own changes passed over."""

import re
from datetime import UTC, datetime

import msgspec

from shared.messaging.event_source import Event
from system_apis.salesforce.events.changes import HEADER, change_of, is_made_by
from system_apis.salesforce.events.received import Received

PASSED = "salesforce-position"
"""Type of an event that says nothing but where the stream stands: what came was our own, or nothing came for long."""

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")


def type_of(name: str) -> str:
    """`AccountChangeEvent` → `account-change-event`, `Order_Status__e` → `order-status`, `HotLeads` → `hot-leads`."""
    plain = re.sub(r"__e$", "", name)
    return "-".join(word for word in _WORDS.split(plain) if word).lower()


def event_of(received: Received, client: str) -> Event:
    """An event as flows take it.

    Args:
        received: From either door.
        client: Our name in `Sforce-Call-Options`; what it changed is passed over, or changes would go in circles.
    """
    problem, payload, at = received.unreadable, b"null", datetime.now(UTC)
    if not problem and HEADER in received.payload:
        try:
            change = change_of(received.payload)
        except ValueError as error:
            problem = f"Its schema was read and {error}."
        else:
            if is_made_by(change, client):
                return passing(received.position)
            payload, at = msgspec.json.encode(change), change.committed
    elif not problem:
        payload, at = msgspec.json.encode(received.payload), _created(received, at)
    return Event(
        received.id, type_of(received.name), 1, payload, at, received.position, "salesforce", unreadable=problem
    )


def passing(position: str) -> Event:
    """An event that only moves the position."""
    return Event(f"position/{position}", PASSED, 1, b"null", datetime.now(UTC), position, "salesforce")


def _created(received: Received, otherwise: datetime) -> datetime:
    try:
        created = datetime.fromisoformat(received.at or str(received.payload.get("CreatedDate")))
    except ValueError:
        return otherwise
    return created if created.tzinfo else created.replace(tzinfo=UTC)

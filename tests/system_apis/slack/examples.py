"""Calls that succeed, for the conformance of every operation."""

from collections.abc import Callable
from typing import Any

from shared.contracts.canonical.notification import Fact, NewNotification

EXAMPLES: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "notifications.send_notification": lambda _: (
        NewNotification("conformance-1", "orders", "An order needs a decision.", [Fact("Order", "4711")]),
    ),
    "notifications.get_notification": lambda known: (
        known["notifications.send_notification"].channel, known["notifications.send_notification"].reference,
    ),
}  # fmt: skip
